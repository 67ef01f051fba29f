//! Ten thousand runs: how much of the database each question looks at. Counted, not timed, so it is the same on every machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{PgPool, SqlitePool};

use super::{Row, insert, store};
use crate::pages::queries::runs::{self, Filter};
use crate::pages::queries::{Cursor, trends};
use crate::store::Store;
use crate::tests::{Place, on_either_database};

on_either_database! {
    pages_of_ten_thousand_runs_look_at_few_of_them,
}

const DAY: i64 = 86_400_000;

/// A database with one connection, which counts what it looks at, and where that was too much.
struct Counted {
    counter: Counter,
    over: Vec<String>,
}

enum Counter {
    /// Steps of the virtual machine that carries statements out.
    Sqlite(SqlitePool, Arc<AtomicU64>),
    /// Rows, and entries of indexes; all in one transaction, because only there the counts are exact.
    Postgres(PgPool),
}

impl Counted {
    async fn open(store: &Store) -> Self {
        let counter = match store {
            // Without statistics: it has none unless somebody asks for them.
            Store::Sqlite(pool) => {
                let options = pool.connect_options().as_ref().clone();
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
                let steps = Arc::new(AtomicU64::new(0));
                let counter = Arc::clone(&steps);
                pool.acquire().await.unwrap().lock_handle().await.unwrap().set_progress_handler(1, move || {
                    counter.fetch_add(1, Ordering::Relaxed);
                    true
                });
                Counter::Sqlite(pool, steps)
            }
            Store::Postgres(pool) => {
                // As it does by itself after a while.
                sqlx::query("VACUUM (ANALYZE) runs, run_tags").execute(pool).await.unwrap();
                let options = pool.connect_options().as_ref().clone();
                let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
                sqlx::query("BEGIN").execute(&pool).await.unwrap();
                Counter::Postgres(pool)
            }
        };
        Self { counter, over: Vec::new() }
    }

    fn store(&self) -> Store {
        match &self.counter {
            Counter::Sqlite(pool, _) => Store::Sqlite(pool.clone()),
            Counter::Postgres(pool) => Store::Postgres(pool.clone()),
        }
    }

    /// How much was looked at so far.
    async fn looked(&self) -> u64 {
        match &self.counter {
            Counter::Sqlite(_, steps) => steps.load(Ordering::Relaxed),
            Counter::Postgres(pool) => {
                let rows: i64 = sqlx::query_scalar(
                    "SELECT SUM(pg_stat_get_xact_tuples_returned(oid))::BIGINT FROM pg_class WHERE relname LIKE 'run%'",
                )
                .fetch_one(pool)
                .await
                .unwrap();
                u64::try_from(rows).unwrap()
            }
        }
    }

    /// Asks, and notes when more was looked at for it than this.
    async fn asks<T>(&mut self, what: &str, most: Most, question: impl Future<Output = Result<T, sqlx::Error>>) -> T {
        let before = self.looked().await;
        let answer = question.await.unwrap();
        let looked = self.looked().await - before;
        let most = match self.counter {
            Counter::Sqlite(..) => most.steps,
            Counter::Postgres(_) => most.rows,
        };
        let line = format!("{what}: {looked} of at most {most}");
        println!("{line}");
        if !(1..=most).contains(&looked) {
            self.over.push(line);
        }
        answer
    }
}

/// What a question may look at: about twice of what it does.
#[derive(Debug, Clone, Copy)]
struct Most {
    /// In the embedded database: steps of its virtual machine, some dozens for a row that is shown.
    steps: u64,
    /// In a database server: rows and entries of indexes.
    rows: u64,
}

const fn most(steps: u64, rows: u64) -> Most {
    Most { steps, rows }
}

/// A page of a list, whatever is behind it.
const LIST: Most = most(7_000, 500);
/// Every run once, without its document.
const ALL: Most = most(500_000, 22_000);

async fn pages_of_ten_thousand_runs_look_at_few_of_them(place: Place) {
    let store = store(&place).await;
    let rows: Vec<Row<'_>> = (0..10_000)
        .map(|number| Row {
            at: number * DAY / 100,
            agent: Some(if number % 3 == 0 { "agt_a" } else { "agt_b" }),
            group: (number % 10 == 0).then(|| format!("grp_{:04}", number / 50)),
            tags: if number % 4 == 0 { vec!["nightly", "ci"] } else { vec!["ci"] },
            ..Row::new("tm_a", number)
        })
        .collect();
    insert(&store, &rows).await;
    let mut counted = Counted::open(&store).await;
    let store = &counted.store();
    let word = str::to_owned;
    let middle = Cursor { at: 5_000 * DAY / 100, id: "run_x".to_owned() };
    for (name, filter, list, found, counting) in [
        ("all", Filter::default(), LIST, 10_000, most(160_000, 20_000)),
        ("scenario", Filter { scenario: word("07-scenario"), ..Filter::default() }, LIST, 250, most(5_000, 500)),
        ("tag", Filter { tag: word("nightly"), ..Filter::default() }, LIST, 2_500, most(60_000, 25_000)),
        ("agent", Filter { agent: word("agt_a"), ..Filter::default() }, LIST, 3_334, most(60_000, 7_000)),
        ("result", Filter { status: word("fail"), ..Filter::default() }, LIST, 2_000, most(40_000, 4_000)),
        ("group", Filter { group: word("grp_0100"), ..Filter::default() }, LIST, 5, most(200, 10)),
        (
            "tag and result",
            Filter { tag: word("nightly"), status: word("fail"), ..Filter::default() },
            most(12_000, 1_300),
            500,
            most(40_000, 25_000),
        ),
        ("text", Filter { text: word("39-scen"), ..Filter::default() }, ALL, 250, ALL),
        ("text that nothing has", Filter { text: word("nowhere"), ..Filter::default() }, ALL, 0, ALL),
    ] {
        let page = runs::page(store, "tm_a", &filter, None, 50);
        let page = counted.asks(&format!("the first page, {name}"), list, page).await;
        assert_eq!(page.rows.len(), usize::try_from(found).unwrap_or(usize::MAX).min(50), "{name}");
        let page = runs::page(store, "tm_a", &filter, Some(&middle), 50);
        counted.asks(&format!("a page in the middle, {name}"), list, page).await;
        let count = counted.asks(&format!("counting, {name}"), counting, runs::count(store, "tm_a", &filter)).await;
        assert_eq!(count, found, "{name}");
    }
    let scenarios = trends::scenarios(store, "tm_a", None, 12);
    assert_eq!(counted.asks("scenarios with their last results", most(1_500_000, 40_000), scenarios).await.len(), 40);
    let days = trends::days(store, "tm_a", "07-scenario", None, 30);
    assert_eq!(counted.asks("days of a scenario", most(8_000, 500), days).await.len(), 30);
    let groups = trends::groups(store, "tm_a", None, None, 100);
    assert_eq!(counted.asks("groups", most(60_000, 2_000), groups).await.len(), 100);
    assert_eq!(counted.asks("all outcomes", ALL, trends::since(store, "tm_a", 0)).await.total, 10_000);
    let words = counted.asks("words", most(500_000, 45_000), runs::words(store, "tm_a")).await;
    assert_eq!((words.scenarios.len(), words.tags.len()), (40, 2));
    assert!(counted.over.is_empty(), "too much was looked at:\n{}", counted.over.join("\n"));
}

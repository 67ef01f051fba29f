//! Pages against a database that was filled by hand: what belongs to another team is not there, what an agent wrote does nothing,
//! and ten thousand runs are no burden.

mod many;

use serde_json::json;

use super::queries::runs::{self, Filter};
use super::queries::{Cursor, agents, sessions, trends};
use crate::hosting;
use crate::store::{Store, on};
use crate::tests::{Place, on_either_database};

on_either_database! {
    every_question_is_asked_for_one_team,
    pages_follow_each_other_without_gaps_even_at_equal_times,
    what_somebody_types_is_no_pattern,
}

async fn store(place: &Place) -> Store {
    let store = place.store().await;
    for team in ["tm_a", "tm_b"] {
        on!(&store, pool => sqlx::query("INSERT INTO teams (id, slug, plan_tier, created_at) VALUES ($1, $2, 'free', 0)")
            .bind(team)
            .bind(team)
            .execute(pool)
            .await
            .map(drop))
        .unwrap();
    }
    store
}

struct Row<'a> {
    id: String,
    team: &'a str,
    scenario: String,
    status: &'a str,
    agent: Option<&'a str>,
    group: Option<String>,
    tags: Vec<&'a str>,
    at: i64,
}

impl<'a> Row<'a> {
    fn new(team: &'a str, number: i64) -> Self {
        Self {
            id: format!("run_{team}{number:06}"),
            team,
            scenario: format!("{:02}-scenario", number % 40),
            status: ["pass", "pass", "fail", "pass", "incomplete"][usize::try_from(number % 5).unwrap()],
            agent: None,
            group: None,
            tags: Vec::new(),
            at: number * 1000,
        }
    }
}

async fn insert(store: &Store, rows: &[Row<'_>]) {
    // One transaction: ten thousand of them would be most of the test.
    on!(store, pool => {
        let mut transaction = pool.begin().await.unwrap();
        for row in rows {
            sqlx::query(
                "INSERT INTO runs (id, team_id, session_id, scenario, status, score, agent_id, group_id, duration_ms, created_at, document) \
                 VALUES ($1, $2, $3, $4, $5, 80, $6, $7, 1500, $8, $9)",
            )
            .bind(&row.id)
            .bind(row.team)
            .bind(row.id.replace("run_", "ses_"))
            .bind(&row.scenario)
            .bind(row.status)
            .bind(row.agent)
            .bind(&row.group)
            .bind(row.at)
            // As long as documents of real runs.
            .bind(json!({"criteria_results": [], "summary": "x".repeat(3000)}).to_string())
            .execute(&mut *transaction)
            .await
            .unwrap();
            for tag in &row.tags {
                sqlx::query("INSERT INTO run_tags (run_id, team_id, tag, created_at) VALUES ($1, $2, $3, $4)")
                    .bind(&row.id)
                    .bind(row.team)
                    .bind(*tag)
                    .bind(row.at)
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
            }
        }
        transaction.commit().await.unwrap();
    });
}

fn ids(rows: &[runs::Run]) -> Vec<&str> {
    rows.iter().map(|run| run.id.as_str()).collect()
}

async fn every_question_is_asked_for_one_team(place: Place) {
    let store = store(&place).await;
    let group = || Some("grp_shared".to_owned());
    for team in ["tm_a", "tm_b"] {
        insert(&store, &[Row { group: group(), tags: vec!["nightly"], ..Row::new(team, 1) }]).await;
        on!(&store, pool => {
            sqlx::query("INSERT INTO agents (id, team_id, slug, display_name, twins, created_at) VALUES ($1, $2, 'bot', 'Bot', '[]', 0)")
                .bind(format!("agt_{team}")).bind(team).execute(pool).await.map(drop).unwrap();
            sqlx::query("INSERT INTO uploads (blob, team_id, session_id, content_type, size, created_at) VALUES ($1, $2, $3, 'x', 1, 0)")
                .bind(format!("team-{team}/session-x/events.jsonl")).bind(team).bind("ses_shared").execute(pool).await.map(drop).unwrap();
            sqlx::query("INSERT INTO sessions (id, team_id, key_id, kind, twins, state, tags, ttl_seconds, created_at, expires_at, epoch, swept) \
                         VALUES ($1, $2, 'k', 'run', '[]', 'ready', '[]', 60, 1, 2, 0, 0)")
                .bind(format!("ses_{team}")).bind(team).execute(pool).await.map(drop).unwrap();
        });
    }
    let (mine, theirs) = ("run_tm_a000001", "run_tm_b000001");
    let every = Filter::default();
    assert_eq!(ids(&runs::page(&store, "tm_a", &every, None, 10).await.unwrap().rows), [mine]);
    for filter in [
        Filter { tag: "nightly".to_owned(), ..Filter::default() },
        Filter { group: "grp_shared".to_owned(), ..Filter::default() },
        Filter { text: "scenario".to_owned(), ..Filter::default() },
    ] {
        assert_eq!(ids(&runs::page(&store, "tm_a", &filter, None, 10).await.unwrap().rows), [mine], "{filter:?}");
        assert_eq!(runs::count(&store, "tm_a", &filter).await.unwrap(), 1, "{filter:?}");
    }
    assert!(runs::one(&store, "tm_a", theirs).await.unwrap().is_none());
    assert!(runs::one(&store, "tm_a", &theirs.replace("run_", "ses_")).await.unwrap().is_none());
    assert_eq!(runs::one(&store, "tm_a", &mine.replace("run_", "ses_")).await.unwrap().unwrap().run.id, mine);
    assert_eq!(runs::one(&store, "tm_a", mine).await.unwrap().unwrap().run.tags, ["nightly"]);
    assert_eq!(runs::trials(&store, "tm_a", "grp_shared", 10).await.unwrap().len(), 1);
    assert_eq!(runs::uploads(&store, "tm_a", "ses_shared").await.unwrap().len(), 1);
    assert_eq!(runs::words(&store, "tm_c").await.unwrap().tags, Vec::<String>::new());
    assert_eq!(trends::scenarios(&store, "tm_a", None, 5).await.unwrap().first().unwrap().latest, ["pass"]);
    assert_eq!(trends::groups(&store, "tm_a", None, None, 5).await.unwrap().first().unwrap().tally.total, 1);
    assert_eq!(trends::days(&store, "tm_a", "01-scenario", None, 5).await.unwrap().first().unwrap().tally.total, 1);
    assert!(trends::scenarios(&store, "tm_a", Some("agt_tm_b"), 5).await.unwrap().is_empty());
    assert!(agents::one(&store, "tm_a", "agt_tm_b").await.unwrap().is_none());
    assert_eq!(agents::one(&store, "tm_a", "bot").await.unwrap().unwrap().id, "agt_tm_a");
    assert!(sessions::one(&store, "tm_a", "ses_tm_b").await.unwrap().is_none());
    assert_eq!(hosting::active(&store, Some("tm_a")).await.unwrap(), 1);
    assert_eq!(sessions::page(&store, "tm_a", true, None, 10).await.unwrap().rows.first().unwrap().id, "ses_tm_a");
}

async fn pages_follow_each_other_without_gaps_even_at_equal_times(place: Place) {
    let store = store(&place).await;
    let rows: Vec<Row<'_>> =
        (0..25).map(|number| Row { at: number / 10, tags: vec!["t"], ..Row::new("tm_a", number) }).collect();
    insert(&store, &rows).await;
    for filter in [Filter::default(), Filter { tag: "t".to_owned(), ..Filter::default() }] {
        let (mut seen, mut behind) = (Vec::new(), None);
        loop {
            let page = runs::page(&store, "tm_a", &filter, behind.as_ref(), 7).await.unwrap();
            seen.extend(page.rows.iter().map(|run| run.id.clone()));
            match page.next {
                Some(next) => behind = Cursor::parse(&next.text()),
                None => break,
            }
        }
        let mut expected: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        expected.reverse();
        assert_eq!(seen, expected);
    }
}

async fn what_somebody_types_is_no_pattern(place: Place) {
    let store = store(&place).await;
    let named = |number, scenario: &str| Row { scenario: scenario.to_owned(), ..Row::new("tm_a", number) };
    insert(&store, &[named(1, "refund_100%_twice"), named(2, "refundX100Y"), named(3, "Pay!")]).await;
    let found = async |text: &str| {
        let filter = Filter { text: text.to_owned(), ..Filter::default() };
        runs::count(&store, "tm_a", &filter).await.unwrap()
    };
    assert_eq!(found("refund").await, 2);
    assert_eq!(found("REFUND_").await, 1);
    assert_eq!(found("%").await, 1);
    assert_eq!(found("pay!").await, 1);
    assert_eq!(found("run_tm_a00000").await, 3);
    assert_eq!(found("' OR 1=1 --").await, 0);
}

//! The database: `SQLite` built in, or `PostgreSQL` by its address. One schema and one text for every statement.
//!
//! Statements use `$1` for their arguments and only what both databases understand; [`on!`] runs one on whichever is open.

use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, PgPool, SqlSafeStr as _, SqlitePool};

/// What brought the schema where it is, in order.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "start", include_str!("../migrations/0001_start.sql"))];

/// How long a statement waits for a connection or for a lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs one expression with `$pool` bound to the pool of whichever database is open.
macro_rules! on {
    ($store:expr, $pool:ident => $body:expr) => {
        match $store {
            $crate::store::Store::Sqlite($pool) => $body,
            $crate::store::Store::Postgres($pool) => $body,
        }
    };
}
pub(crate) use on;

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the database `{name}`")]
    Open {
        /// Its path, or its address without a password.
        name: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Its schema cannot be brought up to date.
    #[error("cannot bring the database `{name}` up to date")]
    Migrate {
        /// Its path, or its address without a password.
        name: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
}

impl Store {
    /// Opens the database in a file, which is made if need be.
    pub(crate) async fn file(path: &Path) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What a killed process wrote is there; only a machine that loses power may lose the last moments.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Open { name: name.clone(), source })?;
        migrator("BLOB").run(&pool).await.map_err(|source| StoreError::Migrate { name, source })?;
        Ok(Self::Sqlite(pool))
    }

    /// Opens a `PostgreSQL` database by its address.
    pub(crate) async fn url(url: &str) -> Result<Self, StoreError> {
        let name = without_password(url);
        let open = |source| StoreError::Open { name: name.clone(), source };
        let options = PgConnectOptions::from_str(url).map_err(open)?;
        // A pool only says that it waited; one connection says why.
        PgConnection::connect_with(&options).await.map_err(open)?.close().await.map_err(open)?;
        let pool = PgPoolOptions::new()
            .max_connections(24)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(open)?;
        migrator("BYTEA").run(&pool).await.map_err(|source| StoreError::Migrate { name, source })?;
        Ok(Self::Postgres(pool))
    }

    /// Whether several processes may share it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether it answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        on!(self, pool => sqlx::query("SELECT 1").execute(pool).await.map(drop))
    }
}

/// Whether a statement was refused because a value that must be unique is there already.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

fn migrator(bytes: &str) -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        let sql = sql.replace(" BYTES", &format!(" {bytes}"));
        Migration::new(
            *version,
            Cow::Borrowed(*name),
            MigrationType::Simple,
            sqlx::AssertSqlSafe(sql).into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// An address as it may be shown.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(not an address)".to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

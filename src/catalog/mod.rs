//! The catalogue: everything Yosoku knows except the bytes themselves, and the only SQL.
//!
//! One set of statements serves SQLite and PostgreSQL, through sqlx's `Any` driver. Methods are
//! named resource first (`entity_create`, `job_claim`); private helpers that work inside a caller's
//! transaction take it as their first argument. The time is an argument everywhere.
//!
//! What holds the two databases together:
//!
//! - Columns are TEXT and BIGINT and never NULL; entity bodies and results are JSON text beside the
//!   columns that are searched.
//! - Every change reads its row with `entities::lock` first (an UPDATE that changes nothing and
//!   returns the row): PostgreSQL locks the row, and SQLite has locked everything since
//!   `BEGIN IMMEDIATE`. Rows are locked in one order — a job, then its entity, then what depends on
//!   it — so that two changes cannot wait for each other.
//! - An entity and its job are written in one transaction, and so are a job's end and its result.

mod datasets;
mod entities;
mod error;
mod families;
mod jobs;
mod lifecycle;
mod listing;
mod migrate;
mod rows;
mod search;
mod settle;
mod tags;
mod usage;

pub use entities::Created;
pub use error::CatalogError;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyPool, Executor, Transaction};
use tokio::sync::Notify;

type Tx = Transaction<'static, Any>;

/// Which database is behind the pool; only transactions and migrations need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

/// The catalogue of one installation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    pool: AnyPool,
    backend: Backend,
    changed: Arc<Notify>,
}

impl Catalog {
    /// Opens the SQLite file at `path`, made if it is not there, and brings its tables up to date.
    pub async fn open_sqlite(path: &Path) -> Result<Self, CatalogError> {
        Self::open(&sqlite_url(path)?).await
    }

    /// Opens `sqlite:` or `postgres:` by address and brings the tables up to date.
    pub async fn open(url: &str) -> Result<Self, CatalogError> {
        install_default_drivers();
        let backend = match url.split(':').next() {
            Some("sqlite") => Backend::Sqlite,
            Some("postgres" | "postgresql") => Backend::Postgres,
            _ => return Err(CatalogError::UnknownAddress),
        };
        let options = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10));
        let options = match backend {
            Backend::Sqlite => options.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SQLITE_SETTINGS).await.map(|_| ()) })
            }),
            Backend::Postgres => options,
        };
        let pool = options.connect(url).await?;
        let catalog = Self {
            pool,
            backend,
            changed: Arc::new(Notify::new()),
        };
        catalog.migrate().await?;
        Ok(catalog)
    }

    /// Notified after every change made through this handle or its clones; changes by other
    /// processes are only found by looking. Subscribe before you look.
    pub fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Fails when the database does not answer.
    pub async fn ping(&self) -> Result<(), CatalogError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Waits for open statements and closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> Result<Tx, CatalogError> {
        Ok(match self.backend {
            Backend::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Backend::Postgres => self.pool.begin().await?,
        })
    }

    async fn commit(&self, tx: Tx) -> Result<(), CatalogError> {
        tx.commit().await?;
        self.changed.notify_waiters();
        Ok(())
    }
}

/// The write-ahead log lets readers and the writer work side by side. FULL, because an acknowledged
/// change must survive a power cut too, not only the death of the process.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";

/// The address of a SQLite file, with everything that means something in an address escaped.
fn sqlite_url(path: &Path) -> Result<String, CatalogError> {
    let path = std::path::absolute(path).map_err(|_| CatalogError::UnusablePath {
        path: path.to_owned(),
    })?;
    let text = path
        .to_str()
        .ok_or_else(|| CatalogError::UnusablePath { path: path.clone() })?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_path_can_hold_the_database() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ö d#d?%20 &.db");
        Catalog::open_sqlite(&path).await.unwrap().ping().await.unwrap();
        assert!(path.is_file());
        assert!(
            Catalog::open_sqlite(&home.path().join("no/such/folder.db"))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn addresses_of_other_databases_are_refused() {
        let error = Catalog::open("mysql://localhost/x").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the catalogue's address must begin with `sqlite:` or `postgres:`"
        );
    }
}

//! A database for one page, on the server for tests, that is dropped when the page ends.

use std::hash::{BuildHasher, RandomState};

use sqlx::{Connection, Executor, PgConnection};

/// Addresses of databases in PostgreSQL that pages name; each stands for the database of the page.
const ADDRESSES: [&str; 2] = [
    "postgres://reader@db.internal:5432/shop?sslmode=require",
    "postgres://yosoku:secret@db.example/yosoku",
];

/// A database that exists as long as this does.
pub struct Database {
    /// The server, by a database that is there already.
    server: String,
    name: String,
}

impl Database {
    /// Makes an empty database on a server.
    pub fn new(server: &str) -> Result<Self, String> {
        // Processes elsewhere may use the same server.
        let name = format!("yosoku_docs_{:016x}", RandomState::new().hash_one(server));
        execute(server, &format!("CREATE DATABASE {name}"))?;
        Ok(Self {
            server: server.to_owned(),
            name,
        })
    }

    /// Runs statements in it.
    pub fn run(&self, statements: &str) -> Result<(), String> {
        execute(&self.address(), statements)
    }

    /// A text of the page with the address of this database instead of those that the page names.
    pub fn with_address(&self, text: &str) -> String {
        let address = self.address();
        ADDRESSES
            .iter()
            .fold(text.to_owned(), |text, named| text.replace(named, &address))
    }

    fn address(&self) -> String {
        with_name(&self.server, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that has failed already has more to say than this.
        let _ = execute(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// The address of another database on the same server.
fn with_name(server: &str, name: &str) -> String {
    let (address, options) = server
        .split_once('?')
        .map_or((server, None), |(a, b)| (a, Some(b)));
    let (scheme, place) = address.split_once("://").unwrap_or(("postgres", address));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("{scheme}://{host}/{name}{options}")
}

fn execute(address: &str, statements: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = runtime.block_on(async {
        let mut connection = PgConnection::connect(address).await?;
        connection
            .execute(sqlx::AssertSqlSafe(statements.to_owned()))
            .await
    });
    done.map(drop)
        .map_err(|error| format!("YOSOKU_TEST_POSTGRES: {error}: {statements}"))
}

#[test]
fn the_address_of_another_database_keeps_its_options() {
    assert_eq!(with_name("postgres://a@b:1/c?d=e", "f"), "postgres://a@b:1/f?d=e");
    assert_eq!(with_name("postgres://a@b:1/c", "f"), "postgres://a@b:1/f");
    assert_eq!(with_name("postgres://a@b:1", "f"), "postgres://a@b:1/f");
}

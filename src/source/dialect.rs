//! What PostgreSQL and MySQL do differently.

use sqlx::mysql::{MySql, MySqlConnection};
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{Connection, Database, Executor};

use super::answer::ColumnKind;

/// A kind of database.
pub(super) trait Dialect: Database {
    /// Begins a transaction that may not write and in which no statement takes longer than `seconds`.
    async fn begin_reading(connection: &mut Self::Connection, seconds: u64) -> sqlx::Result<()>;

    /// What a type means, by its name.
    fn kind(type_name: &str) -> ColumnKind;

    /// A value as it is written in CSV.
    fn written(kind: ColumnKind, text: &str) -> &str;
}

impl Dialect for Postgres {
    async fn begin_reading(connection: &mut PgConnection, seconds: u64) -> sqlx::Result<()> {
        let patience = format!("SET statement_timeout = '{seconds}s'");
        connection.execute(sqlx::AssertSqlSafe(patience)).await?;
        connection.execute("BEGIN TRANSACTION READ ONLY").await?;
        Ok(())
    }

    fn kind(type_name: &str) -> ColumnKind {
        match type_name {
            "INT2" | "INT4" | "INT8" | "NUMERIC" | "FLOAT4" | "FLOAT8" | "OID" => ColumnKind::Number,
            "BOOL" => ColumnKind::Boolean,
            "CHAR" | "\"CHAR\"" => ColumnKind::Fixed,
            _ => ColumnKind::Text,
        }
    }

    fn written(kind: ColumnKind, text: &str) -> &str {
        match (kind, text) {
            (ColumnKind::Boolean, "t") => "1",
            (ColumnKind::Boolean, "f") => "0",
            _ => text,
        }
    }
}

impl Dialect for MySql {
    async fn begin_reading(connection: &mut MySqlConnection, seconds: u64) -> sqlx::Result<()> {
        // MariaDB counts seconds, MySQL milliseconds, and each knows its own variable only.
        let maria = format!("SET SESSION max_statement_time = {seconds}");
        if connection.execute(sqlx::AssertSqlSafe(maria)).await.is_err() {
            let mysql = format!("SET SESSION max_execution_time = {}", seconds * 1000);
            // A server that knows neither is stopped from here.
            drop(connection.execute(sqlx::AssertSqlSafe(mysql)).await);
            connection.ping().await?;
        }
        connection.execute("START TRANSACTION READ ONLY").await?;
        Ok(())
    }

    fn kind(type_name: &str) -> ColumnKind {
        let number = ["INT", "DECIMAL", "FLOAT", "DOUBLE", "YEAR"];
        match type_name {
            "BOOLEAN" => ColumnKind::Boolean,
            "CHAR" => ColumnKind::Fixed,
            name if number.iter().any(|word| name.contains(word)) && !name.contains("POINT") => {
                ColumnKind::Number
            }
            _ => ColumnKind::Text,
        }
    }

    fn written(_: ColumnKind, text: &str) -> &str {
        text
    }
}

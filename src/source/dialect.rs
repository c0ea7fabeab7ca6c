//! What PostgreSQL and MySQL do differently.

use sqlx::mysql::{MySql, MySqlConnection};
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{AssertSqlSafe, Connection, Database, Executor, Row};

use super::answer::ColumnKind;

/// A kind of database.
pub(super) trait Dialect: Database {
    /// Begins a transaction that may not write and in which no statement takes longer than `seconds`, or than the
    /// database allows if that is less. Returns the number that the database knows the connection by.
    async fn begin_reading(connection: &mut Self::Connection, seconds: u64) -> sqlx::Result<u64>;

    /// The statement that ends what the connection with this number is doing.
    fn ending(number: u64) -> String;

    /// What a type means, by its name.
    fn kind(type_name: &str) -> ColumnKind;

    /// Whether values of a type come as the bytes of a number, the highest first.
    fn is_bits(type_name: &str) -> bool;

    /// A value as it is written in CSV.
    fn written(kind: ColumnKind, text: &str) -> &str;
}

impl Dialect for Postgres {
    async fn begin_reading(connection: &mut PgConnection, seconds: u64) -> sqlx::Result<u64> {
        connection.execute("BEGIN READ ONLY").await?;
        let told = "SELECT setting, pg_backend_pid()::text FROM pg_settings WHERE name = 'statement_timeout'";
        let told = connection.fetch_one(sqlx::raw_sql(told)).await?;
        let allowed: u64 = told.try_get_unchecked::<&str, _>(0)?.parse().unwrap_or(0);
        let wanted = seconds * 1000;
        if allowed == 0 || allowed > wanted {
            // A number without a unit, for the transaction alone: Redshift and poolers want it so.
            let patience = format!("SET LOCAL statement_timeout = {wanted}");
            connection.execute(sqlx::raw_sql(AssertSqlSafe(patience))).await?;
        }
        Ok(told.try_get_unchecked::<&str, _>(1)?.parse().unwrap_or(0))
    }

    fn ending(number: u64) -> String {
        format!("SELECT pg_cancel_backend({number})")
    }

    fn kind(type_name: &str) -> ColumnKind {
        match type_name {
            "INT2" | "INT4" | "INT8" | "NUMERIC" | "FLOAT4" | "FLOAT8" | "OID" => ColumnKind::Number,
            "BOOL" => ColumnKind::Boolean,
            "CHAR" | "\"CHAR\"" => ColumnKind::Fixed,
            _ => ColumnKind::Text,
        }
    }

    fn is_bits(_: &str) -> bool {
        false
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
    async fn begin_reading(connection: &mut MySqlConnection, seconds: u64) -> sqlx::Result<u64> {
        // MariaDB counts seconds, MySQL milliseconds, and each knows its own variable only.
        let limit = |name: &str, most: u64| {
            AssertSqlSafe(format!(
                "SET SESSION {name} = IF(@@{name} > 0 AND @@{name} < {most}, @@{name}, {most})"
            ))
        };
        if connection
            .execute(sqlx::raw_sql(limit("max_statement_time", seconds)))
            .await
            .is_err()
        {
            // A server that knows neither is stopped from here.
            drop(
                connection
                    .execute(sqlx::raw_sql(limit("max_execution_time", seconds * 1000)))
                    .await,
            );
            connection.ping().await?;
        }
        connection.execute("START TRANSACTION READ ONLY").await?;
        let told = connection
            .fetch_one(sqlx::raw_sql("SELECT CONNECTION_ID()"))
            .await?;
        Ok(told.try_get_unchecked::<&str, _>(0)?.parse().unwrap_or(0))
    }

    fn ending(number: u64) -> String {
        format!("KILL QUERY {number}")
    }

    fn kind(type_name: &str) -> ColumnKind {
        let number = ["INT", "DECIMAL", "FLOAT", "DOUBLE", "YEAR"];
        match type_name {
            "BOOLEAN" | "BIT" => ColumnKind::Boolean,
            "CHAR" => ColumnKind::Fixed,
            name if number.iter().any(|word| name.contains(word)) && !name.contains("POINT") => {
                ColumnKind::Number
            }
            _ => ColumnKind::Text,
        }
    }

    fn is_bits(type_name: &str) -> bool {
        type_name == "BIT"
    }

    fn written(_: ColumnKind, text: &str) -> &str {
        text
    }
}

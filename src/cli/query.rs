//! `yosoku query`: the rows of a query to a database, as CSV.

use std::path::PathBuf;

use super::error::CliError;
use super::files::{check_output, write_whole};
use super::show::message;
use crate::config::process_environment;
use crate::domain::query::{QuerySpec, check_sql};
use crate::domain::secret::Secret;
use crate::ml::wording::counted;
use crate::source::{Address, Column, Databases, Piece, SourceError};

/// The variable with the password.
const PASSWORD: &str = "YOSOKU_DATABASE_PASSWORD";

/// Ask a PostgreSQL, Redshift, MySQL or MariaDB database, and write the rows as CSV with the names of the columns.
///
/// The query is one statement that only reads. It runs in a transaction that may not write. The password is taken
/// from YOSOKU_DATABASE_PASSWORD, so that it is not seen among the processes; one in the address works too.
///
/// Example: yosoku query postgres://reader@db/shop "SELECT * FROM orders" --out orders.csv
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The database: postgres://user@host:port/name or mysql://user@host:port/name
    #[arg(value_name = "DATABASE")]
    database: String,
    /// The query; `-` reads it from standard input
    #[arg(value_name = "SQL")]
    sql: String,
    /// Where the rows go; by default, and with `-`, to standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: u64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let sql = match args.sql.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|error| CliError::Failure(format!("reading the query from standard input: {error}")))?,
        sql => sql.to_owned(),
    };
    check_sql(&sql).map_err(|reason| invalid("invalid_query", reason))?;
    check_output(&args.out, &[])?;
    let password = process_environment(PASSWORD).map(Secret::new);
    let url = Secret::new(args.database.clone());
    let address = Address::new(&url, password.as_ref(), args.timeout).map_err(CliError::Usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| CliError::Failure(format!("starting: {error}")))?;
    const NAME: &str = "database";
    let databases = Databases::new(
        [(NAME.to_owned(), address)].into(),
        true,
        runtime.handle().clone(),
    );
    if databases.asks_for_user(NAME) {
        let missing = "the address names no user; write it as postgres://user@host/name";
        return Err(CliError::Usage(missing.to_owned()));
    }
    let query = QuerySpec {
        connection: NAME.to_owned(),
        database: None,
        user: None,
        sql,
        token: String::new(),
        staging: None,
        types_decide: false,
    };
    let mut answer = databases.ask(&query)?;
    let mut total = 0;
    write_whole(&args.out, |out| {
        let failed = |error: std::io::Error| CliError::Failure(format!("writing the rows: {error}"));
        let mut told = 0;
        while let Some(piece) = answer.next_blocking() {
            match piece? {
                Piece::Columns(columns) => {
                    told += 1;
                    if told == 1 {
                        out.write_all(&names(&columns)?).map_err(failed)?;
                    }
                }
                Piece::Rows { text, rows } => {
                    total += rows;
                    out.write_all(&text).map_err(failed)?;
                }
                Piece::Waiting => {}
            }
        }
        // They are told once more at the end.
        match told {
            2 => Ok(()),
            _ => Err(CliError::Failure(
                "the answer of the database broke off".to_owned(),
            )),
        }
    })?;
    message(&counted(total, "row"));
    Ok(())
}

/// The names as a line of CSV.
fn names(columns: &[Column]) -> Result<Vec<u8>, CliError> {
    let mut line = csv::Writer::from_writer(Vec::new());
    let written = line.write_record(columns.iter().map(|column| column.name.as_str()));
    let failed = |error: String| CliError::Failure(format!("writing the names of the columns: {error}"));
    written.map_err(|error| failed(error.to_string()))?;
    line.into_inner().map_err(|error| failed(error.to_string()))
}

fn invalid(code: &str, message: String) -> CliError {
    CliError::Invalid {
        code: code.to_owned(),
        message,
    }
}

impl From<SourceError> for CliError {
    fn from(error: SourceError) -> Self {
        let told = format!("{error}; {}", error.hint());
        match error.may_pass() {
            true => CliError::Failure(told),
            false => invalid(error.code(), told),
        }
    }
}

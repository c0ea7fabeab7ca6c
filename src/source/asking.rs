//! One query from the connection to the last row.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::MySql;
use sqlx::postgres::Postgres;
use sqlx::{
    AssertSqlSafe, Column as _, Connection, Decode, Either, Executor, Row, SqlSafeStr, Statement, TypeInfo,
    ValueRef,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, timeout, timeout_at};

use super::address::{Options, Target};
use super::answer::{Answer, Column, ColumnKind, Piece};
use super::dialect::Dialect;
use super::error::SourceError;

/// Bytes of CSV that are handed on at once.
const PIECE: usize = 256 << 10;

/// Pieces that wait to be taken.
const WAITING: usize = 4;

/// Bytes that the values of one row may have; longer rows cannot be read as CSV either.
const LONGEST_ROW: usize = 16 << 20;

/// How long nothing comes before that is told.
const QUIET: Duration = Duration::from_millis(500);

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Begins to ask `sql` of `target`, which errors call `name`.
pub(super) fn begin(runtime: &Handle, name: &str, target: Target, sql: String) -> Answer {
    let (sender, pieces) = mpsc::channel(WAITING);
    let asking = Asking {
        name: name.to_owned(),
        sender,
        seconds: target.seconds,
        connection: AtomicU64::new(0),
    };
    runtime.spawn(async move {
        match target.options {
            Options::Postgres(options) => asking.to_its_end::<Postgres>(*options, sql).await,
            Options::MySql(options) => asking.to_its_end::<MySql>(*options, sql).await,
        }
    });
    Answer { pieces }
}

struct Asking {
    name: String,
    sender: Sender<Result<Piece, SourceError>>,
    seconds: u64,
    /// The number that the database knows the connection by; 0 before it is known.
    connection: AtomicU64,
}

impl Asking {
    /// Asks, and lets the database know when nobody waits for the answer any more: it would go on working.
    async fn to_its_end<D>(&self, options: <D::Connection as Connection>::Options, sql: String)
    where
        D: Dialect,
        for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
        usize: sqlx::ColumnIndex<D::Row>,
        for<'r> &'r str: Decode<'r, D>,
        for<'r> &'r [u8]: Decode<'r, D>,
    {
        let is_over = tokio::select! {
            ended = self.run::<D>(&options, sql) => match ended {
                Ok(()) => true,
                Err(error) => {
                    let is_slow = matches!(error, SourceError::Slow { .. } | SourceError::Value { .. });
                    drop(self.sender.send(Err(error)).await);
                    !is_slow
                }
            },
            () = self.sender.closed() => false,
        };
        let number = self.connection.load(Ordering::Relaxed);
        if is_over || number == 0 {
            return;
        }
        let end = async {
            let mut connection = D::Connection::connect_with(&options).await?;
            connection
                .execute(sqlx::raw_sql(AssertSqlSafe(D::ending(number))))
                .await?;
            connection.close().await
        };
        if let Ok(Err(error)) = timeout(PATIENCE, end).await {
            let told = SourceError::running(&self.name, error);
            tracing::warn!(error = %told, "a query that is not wanted any more may go on in its database");
        }
    }

    async fn run<D>(
        &self,
        options: &<D::Connection as Connection>::Options,
        sql: String,
    ) -> Result<(), SourceError>
    where
        D: Dialect,
        for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
        usize: sqlx::ColumnIndex<D::Row>,
        for<'r> &'r str: Decode<'r, D>,
        for<'r> &'r [u8]: Decode<'r, D>,
    {
        let deadline = Instant::now() + Duration::from_secs(self.seconds);
        let connecting = self.waiting(timeout(PATIENCE, D::Connection::connect_with(options)));
        let mut connection = match connecting.await {
            Ok(connected) => connected.map_err(|error| SourceError::connecting(&self.name, error))?,
            Err(_) => return Err(self.unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
        };
        let prepared = self.prepared::<D>(&mut connection, sql.clone());
        let prepared = self.waiting(timeout_at(deadline, prepared)).await;
        let columns = prepared.map_err(|_| self.slow())??;
        self.send(Piece::Columns(columns.clone())).await;
        let columns = self.rows::<D>(&mut connection, sql, columns, deadline).await?;
        self.send(Piece::Columns(columns)).await;
        // The transaction has written nothing; what the database says of its end is of no interest.
        drop(timeout(QUIET, connection.close()).await);
        Ok(())
    }

    /// Lets the database read the query without running it: one statement, no parameters, columns with names.
    async fn prepared<D>(
        &self,
        connection: &mut D::Connection,
        sql: String,
    ) -> Result<Vec<Column>, SourceError>
    where
        D: Dialect,
        for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    {
        let running = |error| SourceError::running(&self.name, error);
        D::begin_reading(connection, self.seconds)
            .await
            .map_err(running)?;
        let statement = connection.prepare(AssertSqlSafe(sql).into_sql_str());
        let statement = statement.await.map_err(running)?;
        let parameters = match statement.parameters() {
            Some(Either::Left(types)) => types.len(),
            Some(Either::Right(count)) => count,
            None => 0,
        };
        if parameters > 0 {
            return Err(self.wrong("it has parameters; write the values into it".to_owned()));
        }
        let columns = statement.columns().iter().map(|column| Column {
            name: column.name().to_owned(),
            kind: D::kind(column.type_info().name()),
            is_bits: D::is_bits(column.type_info().name()),
        });
        let columns: Vec<Column> = columns.collect();
        self.check(&columns)?;
        Ok(columns)
    }

    /// Each column must be there and have a name of its own.
    fn check(&self, columns: &[Column]) -> Result<(), SourceError> {
        if columns.is_empty() {
            return Err(self.wrong("it gives no columns".to_owned()));
        }
        let mut seen = std::collections::HashSet::new();
        for Column { name, .. } in columns {
            if name.is_empty() || name == "?column?" {
                return Err(self.wrong("a column has no name; give it one with AS".to_owned()));
            }
            if !seen.insert(name.as_str()) {
                return Err(self.wrong(format!(
                    "two columns are called `{name}`; give each a name of its own with AS"
                )));
            }
        }
        Ok(())
    }

    async fn rows<D>(
        &self,
        connection: &mut D::Connection,
        sql: String,
        mut columns: Vec<Column>,
        deadline: Instant,
    ) -> Result<Vec<Column>, SourceError>
    where
        D: Dialect,
        for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
        usize: sqlx::ColumnIndex<D::Row>,
        for<'r> &'r str: Decode<'r, D>,
        for<'r> &'r [u8]: Decode<'r, D>,
    {
        // Not prepared: then every value comes as the text that people know.
        let mut stream = connection.fetch(sqlx::raw_sql(AssertSqlSafe(sql)));
        let (mut lines, mut rows, mut total) = (lines(), 0, 0);
        loop {
            let next = self.waiting(timeout_at(deadline, stream.try_next())).await;
            let next = next.map_err(|_| self.slow())?;
            let Some(row) = next.map_err(|error| SourceError::running(&self.name, error))? else {
                break;
            };
            (rows, total) = (rows + 1, total + 1);
            self.line::<D>(&row, total, &mut columns, &mut lines)?;
            if lines.get_ref().len() >= PIECE {
                let text = std::mem::replace(&mut lines, self::lines());
                self.send_rows(text, std::mem::take(&mut rows)).await;
            }
        }
        self.send_rows(lines, rows).await;
        Ok(columns)
    }

    /// Adds a row to `lines`. A column of small numbers that is taken for true and false proves to be one of numbers
    /// by its values.
    fn line<D>(
        &self,
        row: &D::Row,
        number: u64,
        columns: &mut [Column],
        lines: &mut csv::Writer<Vec<u8>>,
    ) -> Result<(), SourceError>
    where
        D: Dialect,
        usize: sqlx::ColumnIndex<D::Row>,
        for<'r> &'r str: Decode<'r, D>,
        for<'r> &'r [u8]: Decode<'r, D>,
    {
        let mut length = 0;
        for (at, column) in columns.iter_mut().enumerate() {
            let wrong = |reason: String| SourceError::Value {
                row: number,
                column: column.name.clone(),
                reason,
            };
            let value = row.try_get_raw(at).map_err(|error| wrong(error.to_string()))?;
            let mut bits = String::new();
            let text = if value.is_null() {
                ""
            } else if column.is_bits {
                let bytes = <&[u8] as Decode<D>>::decode(value).map_err(|error| wrong(error.to_string()))?;
                let number = bytes
                    .iter()
                    .fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
                bits.push_str(&number.to_string());
                &bits
            } else {
                <&str as Decode<D>>::decode(value).map_err(|error| wrong(error.to_string()))?
            };
            length += text.len();
            if length > LONGEST_ROW {
                return Err(wrong(format!("the row has more than {LONGEST_ROW} bytes")));
            }
            if text.contains('\0') {
                return Err(wrong("it holds a zero byte".to_owned()));
            }
            let text = D::written(column.kind, text);
            lines
                .write_field(text)
                .map_err(|error| wrong(error.to_string()))?;
            if column.kind == ColumnKind::Boolean && !matches!(text, "" | "0" | "1") {
                column.kind = ColumnKind::Number;
            }
        }
        let ended = lines.write_record(None::<&[u8]>);
        ended.map_err(|error| self.wrong(error.to_string()))
    }

    /// Awaits `what`, and tells from time to time that nothing has come.
    async fn waiting<T>(&self, what: impl Future<Output = T>) -> T {
        tokio::pin!(what);
        loop {
            match timeout(QUIET, what.as_mut()).await {
                Ok(done) => return done,
                // Whoever has enough to do needs no sign of life.
                Err(_) => drop(self.sender.try_send(Ok(Piece::Waiting))),
            }
        }
    }

    async fn send(&self, piece: Piece) {
        // That nobody listens any more is noticed by whoever runs this.
        drop(self.sender.send(Ok(piece)).await);
    }

    async fn send_rows(&self, lines: csv::Writer<Vec<u8>>, rows: u64) {
        if let Ok(text) = lines.into_inner()
            && rows > 0
        {
            self.send(Piece::Rows { text, rows }).await;
        }
    }

    fn wrong(&self, reason: String) -> SourceError {
        SourceError::Query {
            name: self.name.clone(),
            reason,
        }
    }

    fn unreachable(&self, reason: String) -> SourceError {
        SourceError::Unreachable {
            name: self.name.clone(),
            reason,
        }
    }

    fn slow(&self) -> SourceError {
        SourceError::Slow {
            name: self.name.clone(),
            seconds: self.seconds,
        }
    }
}

fn lines() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().from_writer(Vec::with_capacity(PIECE + PIECE / 8))
}

//! Data sources from queries, on real servers: what comes out, what is refused, and where no password is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor};
use yosoku::domain::status::Status;
use yosoku::jobs::context::{JobContext, StopReason};
use yosoku::jobs::runner::{JobError, JobHandler};

use crate::servers::{MARIADB, POSTGRES, server};
use crate::support::{Place, databases};

/// A server of one kind, with a table of its own, dropped by `remove`.
struct Database {
    url: String,
    /// The connection that has a user, and the one that has none.
    names: (&'static str, &'static str),
    /// The operation of Amazon ML, and what it calls the data and the server.
    words: (&'static str, &'static str, &'static str),
    table: String,
}

/// The servers that are there, each with a table of 300 deliveries.
async fn each(case: &str) -> Vec<Database> {
    let redshift = ("CreateDataSourceFromRedshift", "DataSpec", "ClusterIdentifier");
    let rds = ("CreateDataSourceFromRDS", "RDSData", "InstanceIdentifier");
    let mut found = Vec::new();
    for (variable, names, words, types) in [
        (
            POSTGRES,
            ("pg", "pg-shared"),
            redshift,
            ["double precision", "timestamp", "boolean"],
        ),
        (
            MARIADB,
            ("maria", "maria-shared"),
            rds,
            ["double", "datetime", "boolean"],
        ),
    ] {
        let Some(url) = server(variable) else { continue };
        let table = format!("t{}_{case}", std::process::id());
        let database = Database {
            url,
            names,
            words,
            table,
        };
        let [real, time, truth] = types;
        database
            .run(&format!(
                "CREATE TABLE {} (id integer, km {real}, weight decimal(8,2), due {time}, note varchar(80), \
                 size char(2), late {truth})",
                database.table
            ))
            .await;
        let mut rows = Vec::new();
        for id in 0..300 {
            let km = (id * 37) % 100;
            let weight = if id % 10 == 3 {
                "NULL".to_owned()
            } else {
                format!("{}.50", id % 20)
            };
            let note = [
                "plain",
                "with, comma",
                "with \"quotes\"",
                "two\nlines",
                "größer 予測",
            ][id % 5];
            let late = km + (id % 7) * 3 > 55;
            rows.push(format!(
                "({id}, {km}.25, {weight}, '2026-01-{:02} 08:00:00', '{note}', '{}', {late})",
                id % 28 + 1,
                ["S", "XL"][id % 2]
            ));
        }
        database
            .run(&format!(
                "INSERT INTO {} VALUES {}",
                database.table,
                rows.join(", ")
            ))
            .await;
        found.push(database);
    }
    found
}

impl Database {
    async fn run(&self, sql: &str) {
        run(&self.url, sql).await.unwrap();
    }

    /// A number that the database tells.
    async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.url.starts_with("postgres") {
            true => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
            false => {
                let mut connection = sqlx::MySqlConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    async fn remove(self) {
        self.run(&format!("DROP TABLE {}", self.table)).await;
    }

    fn all(&self) -> String {
        format!("SELECT * FROM {} ORDER BY id", self.table)
    }

    /// What Amazon's clients send.
    fn wish(&self, id: &str, server: &str, sql: &str) -> Value {
        let (_, data, called) = self.words;
        let mut wish =
            json!({"DataSourceId": id, "ComputeStatistics": true, "RoleARN": "arn:aws:iam::1:role/reads"});
        wish[data] = json!({
            "DatabaseInformation": {"DatabaseName": "test"},
            "SelectSqlQuery": sql,
            "DatabaseCredentials": {"Username": "asker", "Password": "never-to-be-seen"},
            "S3StagingLocation": "s3://stage/rows/",
        });
        wish[data]["DatabaseInformation"][called] = json!(server);
        if data == "RDSData" {
            wish[data]["ResourceRole"] = json!("DataPipelineDefaultResourceRole");
            wish[data]["ServiceRole"] = json!("DataPipelineDefaultRole");
            wish[data]["SubnetId"] = json!("subnet-1");
            wish[data]["SecurityGroupIds"] = json!(["sg-1"]);
        }
        wish
    }
}

async fn run(url: &str, sql: &str) -> sqlx::Result<()> {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    if url.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        connection.execute(sql).await?;
        return connection.close().await;
    }
    let mut connection = sqlx::MySqlConnection::connect(url).await?;
    connection.execute(sql).await?;
    connection.close().await
}

async fn source(place: &Place, id: &str) -> Value {
    place
        .get(&format!("/v1/datasources/{id}"))
        .await
        .expect(200)
        .json()
}

/// What a query ends with: the code of the error and its message.
async fn failure(place: &Place, connection: &str, sql: &str) -> (String, String) {
    let wish = json!({"query": {"connection": connection, "sql": sql}});
    let made = place.post("/v1/datasources", wish).await.expect(202).json();
    place.work().await;
    let seen = source(place, made["id"].as_str().unwrap()).await;
    assert_eq!(seen["status"], "FAILED", "{sql}: {seen}");
    (
        seen["error"]["code"].as_str().unwrap().to_owned(),
        seen["message"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_query_are_those_of_the_same_table_as_a_file() {
    for database in each("rows").await {
        let place = Place::open().await;
        let wish = json!({"id": "q", "target": "late", "query": {"connection": database.names.0, "sql": database.all()}});
        place.post("/v1/datasources", wish).await.expect(202);
        place.work().await;
        let seen = source(&place, "q").await;
        assert_eq!(seen["status"], "COMPLETED", "{seen}");
        assert_eq!(
            (&seen["rows"], &seen["query"]["sql"]),
            (&json!(300), &json!(database.all()))
        );
        let types: Vec<&str> = seen["schema"]["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attribute| attribute["attributeType"].as_str().unwrap())
            .collect();
        let expected = [
            "CATEGORICAL",
            "NUMERIC",
            "NUMERIC",
            "CATEGORICAL",
            "CATEGORICAL",
            "CATEGORICAL",
            "BINARY",
        ];
        assert_eq!(types, expected, "{}", seen["schema"]);
        // Written by hand from what was put in.
        let mut file = String::from("id,km,weight,due,note,size,late\n");
        for id in 0..300 {
            let km = (id * 37) % 100;
            let weight = if id % 10 == 3 {
                String::new()
            } else {
                format!("{}.50", id % 20)
            };
            let note = [
                "plain",
                "\"with, comma\"",
                "\"with \"\"quotes\"\"\"",
                "\"two\nlines\"",
                "größer 予測",
            ][id % 5];
            let late = u8::from(km + (id % 7) * 3 > 55);
            let size = match (database.names.0, id % 2) {
                ("pg", 0) => "S ",
                (_, 0) => "S",
                _ => "XL",
            };
            let day = id % 28 + 1;
            file.push_str(&format!(
                "{id},{km}.25,{weight},2026-01-{day:02} 08:00:00,{note},{size},{late}\n"
            ));
        }
        place
            .put("same", Box::leak(file.into_boxed_str()))
            .await
            .expect(201);
        let wish = json!({"id": "f", "target": "late", "dataset": "same"});
        place.post("/v1/datasources", wish).await.expect(202);
        place.work().await;
        let file = source(&place, "f").await;
        for member in ["rows", "schema", "statistics", "insights"] {
            assert_eq!(seen[member], file[member], "{}: {member}", database.names.0);
        }
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_trained_on_rows_that_are_not_in_the_database_any_more() {
    for database in each("train").await {
        let place = Place::open().await;
        for (id, split) in [
            ("train", json!({"percent_begin": 0, "percent_end": 70})),
            ("rest", json!({"percent_begin": 70, "percent_end": 100})),
        ] {
            let query = json!({"connection": database.names.0, "sql": format!("{};", database.all())});
            let wish = json!({"id": id, "target": "late", "split": split, "query": query});
            place.post("/v1/datasources", wish).await.expect(202);
        }
        assert_eq!(place.work().await, 2);
        database.remove().await;
        place
            .post("/v1/models", json!({"id": "ml", "datasource": "train"}))
            .await
            .expect(202);
        let wish = json!({"id": "ev", "model": "ml", "datasource": "rest"});
        place.post("/v1/evaluations", wish).await.expect(202);
        let wish = json!({"id": "bp", "model": "ml", "datasource": "rest"});
        place.post("/v1/batch-predictions", wish).await.expect(202);
        place.work().await;
        let seen = place.get("/v1/evaluations/ev").await.expect(200).json();
        assert_eq!(seen["status"], "COMPLETED", "{seen}");
        let auc = seen["metrics"]["auc"]["value"].as_f64().unwrap();
        assert!(auc > 0.9, "{auc}");
        let seen = place.get("/v1/batch-predictions/bp").await.expect(200).json();
        assert_eq!(seen["status"], "COMPLETED", "{seen}");
        // The rows go with the data source.
        let rows = place.home().join("statistics/rest");
        assert_eq!(std::fs::read_dir(&rows).unwrap().count(), 1);
        for path in ["batch-predictions/bp", "evaluations/ev", "datasources/rest"] {
            place.delete(&format!("/v1/{path}")).await.expect(204);
        }
        place.work().await;
        assert!(!rows.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_amazon_bring_user_and_password_which_are_never_kept() {
    for database in each("amazon").await {
        let place = Place::open().await;
        if database.names.0 == "maria" {
            database
                .run("CREATE USER IF NOT EXISTS asker IDENTIFIED BY 'never-to-be-seen'")
                .await;
            database.run("GRANT SELECT ON test.* TO asker").await;
        } else {
            // The server trusts every user that it knows.
            drop(run(&database.url, "CREATE ROLE asker LOGIN").await);
            database
                .run(&format!("GRANT SELECT ON {} TO asker", database.table))
                .await;
        }
        let (operation, data, _) = database.words;
        let mut wish = database.wish("ds", database.names.1, &database.all());
        place.amazon(operation, wish.clone()).await.expect(200);
        place.amazon(operation, wish.clone()).await.expect(200);
        assert_eq!(place.work().await, 1);
        let seen = place
            .amazon("GetDataSource", json!({"DataSourceId": "ds", "Verbose": true}))
            .await
            .expect(200)
            .json();
        assert_eq!(seen["Status"], "COMPLETED", "{seen}");
        let member = if data == "RDSData" {
            "RDSMetadata"
        } else {
            "RedshiftMetadata"
        };
        assert_eq!(seen["RoleARN"], "arn:aws:iam::1:role/reads");
        assert_eq!(seen[member]["DatabaseUserName"], "asker");
        assert_eq!(seen[member]["SelectSqlQuery"], database.all());
        assert_eq!(seen["DataLocationS3"], "s3://stage/rows/");
        // The documented mapping of types, where no schema is given.
        let schema: Value = serde_json::from_str(seen["DataSourceSchema"].as_str().unwrap()).unwrap();
        let types: Vec<&str> = schema["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attribute| attribute["attributeType"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            [
                "NUMERIC",
                "NUMERIC",
                "NUMERIC",
                "TEXT",
                "TEXT",
                "CATEGORICAL",
                "BINARY"
            ]
        );
        let brief = place
            .amazon("GetDataSource", json!({"DataSourceId": "ds"}))
            .await
            .expect(200)
            .json();
        assert!(brief[member].get("SelectSqlQuery").is_none(), "{brief}");
        let list = place
            .amazon("DescribeDataSources", json!({}))
            .await
            .expect(200)
            .json();
        assert_eq!(list["Results"][0][member]["DatabaseUserName"], "asker", "{list}");
        // With a schema, whose columns go by place.
        let attributes: Vec<Value> = [
            ("a", "CATEGORICAL"),
            ("b", "NUMERIC"),
            ("c", "NUMERIC"),
            ("d", "TEXT"),
            ("e", "TEXT"),
            ("f", "CATEGORICAL"),
            ("y", "BINARY"),
        ]
        .iter()
        .map(|(name, kind)| json!({"attributeName": name, "attributeType": kind}))
        .collect();
        let schema = json!({"version": "1.0", "targetAttributeName": "y", "dataFormat": "CSV", "attributes": attributes});
        wish["DataSourceId"] = json!("named");
        wish[data]["DataSchema"] = json!(schema.to_string());
        wish[data]["DataRearrangement"] = json!(r#"{"splitting": {"percentBegin": 50, "percentEnd": 100}}"#);
        place.amazon(operation, wish.clone()).await.expect(200);
        place
            .amazon(
                "CreateMLModel",
                json!({"MLModelId": "ml", "MLModelType": "BINARY", "TrainingDataSourceId": "named"}),
            )
            .await
            .expect(200);
        assert_eq!(place.work().await, 2);
        let seen = place
            .amazon("GetMLModel", json!({"MLModelId": "ml"}))
            .await
            .expect(200)
            .json();
        assert_eq!(seen["Status"], "COMPLETED", "{seen}");
        let rest = source(&place, "named").await;
        assert_eq!(
            (&rest["rows"], &rest["location"]),
            (&json!(150), &Value::Null),
            "{rest}"
        );
        // The schema must have as many columns.
        wish["DataSourceId"] = json!("narrow");
        wish[data]["SelectSqlQuery"] = json!(format!("SELECT id, late FROM {}", database.table));
        place.amazon(operation, wish.clone()).await.expect(200);
        place.work().await;
        let seen = place
            .amazon("GetDataSource", json!({"DataSourceId": "narrow"}))
            .await
            .expect(200)
            .json();
        assert_eq!(seen["Status"], "FAILED");
        assert!(
            seen["Message"].as_str().unwrap().contains("2 columns (id, late)"),
            "{seen}"
        );
        // A wrong password, where the server looks at it.
        if database.names.0 == "maria" {
            let mut wish = database.wish("wrong", database.names.1, &database.all());
            wish[data]["DatabaseCredentials"]["Password"] = json!("never-to-be-guessed");
            place.amazon(operation, wish).await.expect(200);
            place.work().await;
            let seen = place
                .amazon("GetDataSource", json!({"DataSourceId": "wrong"}))
                .await
                .expect(200)
                .json();
            assert_eq!(seen["Status"], "FAILED");
            assert!(
                seen["Message"].as_str().unwrap().contains("Access denied"),
                "{seen}"
            );
        }
        // No file of the home holds a password.
        for path in files(place.home()) {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(12).any(|window| window == b"never-to-be-");
            assert!(!found, "{}", path.display());
        }
        assert!(files(place.home()).len() > 3);
        database.remove().await;
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_more_than_read_is_refused() {
    for database in each("writes").await {
        let place = Place::open().await;
        let (table, name) = (&database.table, database.names.0);
        for sql in ["DROP TABLE x", "", "-- SELECT", "EXPLAIN SELECT 1", "call p()"] {
            let wish = json!({"query": {"connection": name, "sql": sql}});
            let problem = place
                .post("/v1/datasources", wish)
                .await
                .problem(400, "invalid_query");
            assert_eq!(problem["errors"][0]["pointer"], "/query/sql", "{problem}");
        }
        let outfile = format!("/tmp/{table}.out");
        let mut sly = vec![
            format!("SELECT 1 AS a; DROP TABLE {table}"),
            format!("SELECT 1 AS a; COMMIT; DROP TABLE {table}"),
            format!("WITH a AS (SELECT 1) DELETE FROM {table}"),
            format!("SELECT * INTO {table}_copy FROM {table}"),
        ];
        if name == "pg" {
            database.run(&format!("CREATE SEQUENCE {table}_seq")).await;
            sly.push(format!(
                "WITH a AS (DELETE FROM {table} RETURNING id) SELECT id FROM a"
            ));
            sly.push(format!("SELECT nextval('{table}_seq') AS n"));
            sly.push("SELECT set_config('transaction_read_only', 'off', false) AS a".to_owned());
        } else {
            sly.push(format!("SELECT id FROM {table} INTO OUTFILE '{outfile}'"));
            sly.push(format!("SELECT id INTO @a FROM {table} LIMIT 1"));
        }
        for sql in sly {
            let (code, message) = failure(&place, name, &sql).await;
            assert_eq!(code, "invalid_query", "{sql}: {message}");
        }
        assert!(!std::path::Path::new(&outfile).exists());
        assert_eq!(
            database.number(&format!("SELECT count(*) FROM {table}")).await,
            300
        );
        for (sql, code, part) in [
            (
                "SELECT id FROM nowhere_at_all".to_owned(),
                "invalid_query",
                "nowhere_at_all",
            ),
            (
                format!("SELECT id, km AS id FROM {table}"),
                "invalid_query",
                "two columns are called `id`",
            ),
            (
                format!("SELECT id FROM {table} WHERE id > 1000"),
                "no_rows",
                "no rows",
            ),
        ] {
            let (found, message) = failure(&place, name, &sql).await;
            assert!(
                found == code && message.contains(part),
                "{sql}: {found} {message}"
            );
        }
        let (parameter, blob) = match name {
            "pg" => (
                "SELECT id FROM t WHERE id = $1".replace('t', table),
                "SELECT '\\xff00'::bytea AS b",
            ),
            _ => (
                format!("SELECT id FROM {table} WHERE id = ?"),
                "SELECT x'ff00' AS b",
            ),
        };
        let (_, message) = failure(&place, name, &parameter).await;
        assert!(message.contains("parameters"), "{message}");
        if name == "maria" {
            let (_, message) = failure(&place, name, blob).await;
            assert!(message.contains("row 1, column `b` cannot be read"), "{message}");
        } else {
            database.run(&format!("DROP SEQUENCE {table}_seq")).await;
        }
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_when_it_is_not_wanted_or_takes_too_long() {
    for database in each("slow").await {
        let place = Place::open().await;
        let sleep = if database.names.0 == "pg" {
            "pg_sleep"
        } else {
            "sleep"
        };
        let sql = format!("SELECT {sleep}(60) AS a");
        let begun = Instant::now();
        let (code, message) = failure(&place, database.names.0, &sql).await;
        // The database itself may be the first to have enough.
        assert!(
            code == "query_too_slow" || message.contains("timeout") || message.contains("execution time"),
            "{code} {message}"
        );
        assert!(begun.elapsed() < Duration::from_secs(20));
        let wish = json!({"query": {"connection": database.names.0, "sql": sql}});
        place.post("/v1/datasources", wish).await.expect(202);
        let job = place.claim().await.unwrap();
        let context = JobContext::new(job.kind);
        let (handler, inner, work) = (place.handler.clone(), context.clone(), job.clone());
        let begun = Instant::now();
        let running = tokio::task::spawn_blocking(move || handler.run(&work, &inner));
        tokio::time::sleep(Duration::from_millis(300)).await;
        context.stop(StopReason::Cancelled);
        let ended = running.await.unwrap();
        assert!(matches!(ended, Err(JobError::Stopped)), "{ended:?}");
        assert!(begun.elapsed() < Duration::from_secs(3));
        // The database does not go on with it.
        let going = match database.names.0 {
            "pg" => {
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active'"
            }
            _ => "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep(60)%'",
        };
        let patience = Instant::now() + Duration::from_secs(10);
        while database.number(going).await > 0 {
            assert!(Instant::now() < patience, "it goes on");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_connection_is_told() {
    let place = Place::open().await;
    let problem = place
        .post(
            "/v1/datasources",
            json!({"query": {"connection": "gone", "sql": "SELECT 1"}}),
        )
        .await
        .problem(400, "database_unknown");
    assert!(
        problem["detail"].as_str().unwrap().contains("nobody"),
        "{problem}"
    );
    for (wish, pointer) in [
        (json!({}), "/dataset"),
        (json!({"dataset": "a", "location": "s3://b/c"}), "/dataset"),
        (json!({"location": "b/c"}), "/location"),
        (json!({"location": "s3://b/c", "header": "auto"}), "/header"),
        (json!({"location": "s3://b/c", "header": "no"}), "/schema"),
        (
            json!({"query": {"connection": "nobody", "sql": "SELECT 1", "database": "a\0user\0root"}}),
            "/query/database",
        ),
        (
            json!({"query": {"connection": "nobody", "sql": "SELECT 1", "user": "a\nb"}}),
            "/query/user",
        ),
        (
            json!({"query": {"connection": "nobody", "sql": "SELECT 1", "password": "a\0b"}}),
            "/query/password",
        ),
        (
            json!({"query": {"connection": "nobody", "sql": "/*! OPTIMIZE */ TABLE t"}}),
            "/query/sql",
        ),
    ] {
        let answer = place
            .post("/v1/datasources", wish.clone())
            .await
            .expect(400)
            .json();
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{wish}: {answer}");
    }
    let wish = json!({"query": {"connection": "nobody", "sql": "SELECT 1", "password": 98765432}});
    let answer = place.post("/v1/datasources", wish).await.expect(400);
    assert!(!answer.text().contains("98765432"), "{}", answer.text());
    // Nobody is there: it may go better another time.
    let wish = json!({"query": {"connection": "nobody", "sql": "SELECT 1 AS a"}});
    place.post("/v1/datasources", wish).await.expect(202);
    let job = place.claim().await.unwrap();
    let (handler, work) = (place.handler.clone(), job.clone());
    let run = move || handler.run(&work, &JobContext::new(work.kind));
    match tokio::task::spawn_blocking(run).await.unwrap() {
        Err(JobError::Retry(problem)) => assert_eq!(problem.code, "database_unreachable"),
        other => panic!("{other:?}"),
    }
    // What Amazon's clients name comes to nothing when it is asked.
    let wish = json!({"DataSourceId": "ds", "RoleARN": "r", "DataSpec": {
        "DatabaseInformation": {"DatabaseName": "test", "ClusterIdentifier": "gone"}, "SelectSqlQuery": "SELECT 1",
        "DatabaseCredentials": {"Username": "u", "Password": "12345678"}, "S3StagingLocation": "s3://stage/"}});
    place
        .amazon("CreateDataSourceFromRedshift", wish.clone())
        .await
        .expect(200);
    place.work().await;
    let seen = place
        .amazon("GetDataSource", json!({"DataSourceId": "ds"}))
        .await
        .expect(200)
        .json();
    assert_eq!(seen["Status"], "FAILED");
    assert!(
        seen["Message"].as_str().unwrap().contains("no database `gone`"),
        "{seen}"
    );
    for (member, value) in [
        ("/DataSpec/DatabaseCredentials/Password", json!("short")),
        (
            "/DataSpec/DatabaseInformation/ClusterIdentifier",
            json!("Capital"),
        ),
        ("/DataSpec/DatabaseInformation/DatabaseName", json!("a-b")),
        ("/DataSpec/SelectSqlQuery", json!("DELETE FROM a")),
        ("/DataSpec/S3StagingLocation", json!("s3://uploads/x")),
        ("/DataSpec/S3StagingLocation", json!("s3://a/../b")),
        ("/RoleARN", json!("r".repeat(111))),
        ("/DataSpec/DatabaseCredentials/Username", Value::Null),
        ("/DataSpec/DatabaseCredentials/Username", json!("a\0options\0-c")),
    ] {
        let mut bad = wish.clone();
        bad["DataSourceId"] = json!("bad");
        *bad.pointer_mut(member).unwrap() = value;
        let answer = place
            .amazon("CreateDataSourceFromRedshift", bad)
            .await
            .expect(400);
        assert_eq!(answer.json()["__type"], "InvalidInputException", "{member}");
        assert!(!answer.text().contains("short"));
    }
    let gone = place
        .amazon("GetDataSource", json!({"DataSourceId": "bad"}))
        .await
        .expect(400);
    assert_eq!(gone.json()["__type"], "ResourceNotFoundException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_gone_with_the_process_that_had_it() {
    for database in each("restart").await {
        let place = Place::open().await;
        let (operation, ..) = database.words;
        let wish = database.wish("ds", database.names.1, &database.all());
        place.amazon(operation, wish).await.expect(200);
        let job = place.claim().await.unwrap();
        assert_eq!(job.entity.status, Status::InProgress);
        let mut another = (*place.handler).clone();
        another.databases = databases();
        let run = move || another.run(&job, &JobContext::new(job.kind));
        match tokio::task::spawn_blocking(run).await.unwrap() {
            Err(JobError::Failed(problem)) => {
                assert_eq!(problem.code, "database_refused");
                assert!(problem.hint.unwrap().contains("again"));
            }
            other => panic!("{other:?}"),
        }
        // Whoever lets each request bring its user is told when it does not.
        let wish = json!({"query": {"connection": database.names.1, "sql": database.all()}});
        let problem = place
            .post("/v1/datasources", wish)
            .await
            .problem(400, "missing_field");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_identifier_do_not_take_the_password_from_each_other() {
    for database in each("twins").await {
        let place = Place::open().await;
        if database.names.0 == "maria" {
            database
                .run("CREATE USER IF NOT EXISTS twin IDENTIFIED BY 'never-to-be-seen'")
                .await;
            database.run("GRANT SELECT ON test.* TO twin").await;
        } else {
            drop(run(&database.url, "CREATE ROLE twin LOGIN").await);
            database
                .run(&format!("GRANT SELECT ON {} TO twin", database.table))
                .await;
        }
        let database_name = json!("test");
        let ask = |limit: usize| {
            let sql = format!("SELECT id, km, late FROM {} WHERE id < {limit}", database.table);
            let query = json!({"connection": database.names.1, "sql": sql, "user": "twin",
                "password": if limit == 100 { "never-to-be-seen" } else { "another-one" }, "database": database_name});
            place.post("/v1/datasources", json!({"id": "one", "query": query}))
        };
        ask(100).await.expect(202);
        let (second, third) = tokio::join!(ask(200), ask(250));
        second.expect(409);
        third.expect(409);
        place.work().await;
        let seen = source(&place, "one").await;
        assert_eq!(
            (&seen["status"], &seen["rows"]),
            (&json!("COMPLETED"), &json!(100)),
            "{seen}"
        );
        // The text of a query is in no list.
        let list = place.get("/v1/datasources").await.expect(200).json();
        assert_eq!(list["items"][0]["query"]["connection"], database.names.1);
        assert!(list["items"][0]["query"].get("sql").is_none(), "{list}");
        database.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bits_are_numbers_and_a_wrong_target_leaves_no_rows() {
    for database in each("bits").await {
        let place = Place::open().await;
        if database.names.0 == "maria" {
            let table = format!("{}_b", database.table);
            database
                .run(&format!(
                    "CREATE TABLE {table} (flag bit(1), mask bit(12), x integer)"
                ))
                .await;
            let rows: Vec<String> = (0..40)
                .map(|i| format!("({}, {}, {i})", i % 2, i * 100))
                .collect();
            database
                .run(&format!("INSERT INTO {table} VALUES {}", rows.join(",")))
                .await;
            let wish = database.wish("bits", database.names.0, &format!("SELECT * FROM {table}"));
            place.amazon(database.words.0, wish).await.expect(200);
            place.work().await;
            let seen = source(&place, "bits").await;
            assert_eq!(seen["status"], "COMPLETED", "{seen}");
            let types: Vec<&Value> = seen["schema"]["attributes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| &one["attributeType"])
                .collect();
            assert_eq!(types, ["BINARY", "NUMERIC", "NUMERIC"]);
            assert_eq!(
                seen["statistics"]["columns"][1]["numeric"]["max"], 3900.0,
                "{}",
                seen["statistics"]["columns"][1]
            );
            database.run(&format!("DROP TABLE {table}")).await;
        }
        let wish = json!({"id": "t", "target": "nope", "query": {"connection": database.names.0, "sql": database.all()}});
        place.post("/v1/datasources", wish).await.expect(202);
        place.work().await;
        let seen = source(&place, "t").await;
        assert_eq!(seen["error"]["code"], "unknown_target", "{seen}");
        let left = place.home().join("statistics/t");
        assert!(!left.exists() || std::fs::read_dir(left).unwrap().next().is_none());
        database.remove().await;
    }
}

//! `yosoku query` on real servers, and a server that is told of them in its file of connections.

use std::fs;

use sqlx::{Connection, Executor};

use crate::servers::{MARIADB, POSTGRES, server};
use crate::support::{run, text, yosoku};

/// Makes 400 squares in a table.
fn squares(url: &str, table: &str) {
    let sql = (0..400)
        .map(|i| format!("({}, {}, 'n {}')", i % 97, (i % 97) * (i % 97), i % 7))
        .collect::<Vec<_>>();
    execute(
        url,
        &format!("CREATE TABLE {table} (x integer, y integer, note varchar(20))"),
    );
    execute(url, &format!("INSERT INTO {table} VALUES {}", sql.join(",")));
}

fn execute(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    runtime.block_on(async {
        if url.starts_with("postgres") {
            sqlx::PgConnection::connect(url)
                .await
                .unwrap()
                .execute(sql)
                .await
                .unwrap();
        } else {
            sqlx::MySqlConnection::connect(url)
                .await
                .unwrap()
                .execute(sql)
                .await
                .unwrap();
        }
    });
}

#[test]
fn rows_of_a_query_become_a_file_that_trains() {
    for variable in [POSTGRES, MARIADB] {
        let Some(url) = server(variable) else { continue };
        let table = format!("p{}", std::process::id());
        squares(&url, &table);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let sql = format!("SELECT x, y, note FROM {table} ORDER BY x, note");
        let file = at("rows.csv");
        let mut command = yosoku(["query", &url, &sql, "--out"]);
        let told = run(command.arg(&file)).ok();
        assert!(told.is_empty());
        let rows = fs::read_to_string(&file).unwrap();
        assert!(rows.starts_with("x,y,note\n0,0,n 0\n0,0,n 3\n"), "{rows:.60}");
        assert_eq!(rows.lines().count(), 401);
        let stdout = run(&mut yosoku(["query", &url, &sql])).ok();
        assert_eq!(text(&stdout), rows);
        let mut command = yosoku(["train", "--target", "y"]);
        let trained = run(command.arg(&file).arg("--out").arg(at("m.yosoku")).arg("--json")).json();
        let r2 = trained["evaluation"]["metrics"]["r2"]["value"].as_f64().unwrap();
        assert!(r2 > 0.9, "{trained}");
        // What fails leaves what was there, and no secret.
        let bad = format!("SELECT x FROM {table} WHERE y < 'a' || nothing");
        let mut command = yosoku(["query", &url, &bad, "--out"]);
        assert_eq!(run(command.arg(&file)).code, Some(4));
        assert_eq!(fs::read_to_string(&file).unwrap(), rows);
        execute(&url, &format!("DROP TABLE {table}"));
    }
}

#[test]
fn what_cannot_be_asked_is_told_without_the_password() {
    for (arguments, code) in [
        (["query", "postgres://a:hush@127.0.0.1:1/b", "SELECT 1 AS a"], 1),
        (["query", "postgres://127.0.0.1:1/b", "SELECT 1 AS a"], 2),
        (["query", "oracle://a:hush@127.0.0.1:1/b", "SELECT 1 AS a"], 2),
        (["query", "mysql://a:hush@127.0.0.1:1/b", "DELETE FROM a"], 4),
    ] {
        let ran = run(&mut yosoku(arguments));
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("hush"), "{}", ran.err);
    }
}

#[test]
fn a_server_does_not_start_with_connections_that_cannot_be() {
    let home = tempfile::tempdir().unwrap();
    let text =
        "[databases.a]\nurl = \"postgres:///x\"\n[databases.b]\nurl = \"ftp://x\"\npassword = \"hush\"\n";
    fs::write(home.path().join("connections.toml"), text).unwrap();
    let mut command = yosoku(["serve", "--listen", "127.0.0.1:0", "--home"]);
    let ran = run(command.arg(home.path()));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("[databases.b]: `url` must begin"), "{}", ran.err);
    assert!(!ran.err.contains("hush"), "{}", ran.err);
}

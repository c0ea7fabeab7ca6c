//! Which bodies are taken, and how refusals look.

use axum::http::HeaderValue;
use http_body_util::BodyExt;

use super::*;
use crate::service::codes;

fn form(declared: &str) -> Result<Form, String> {
    let mut headers = HeaderMap::new();
    if !declared.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(declared).unwrap());
    }
    Form::of(&headers).map_err(|problem| {
        assert_eq!(problem.status, 415);
        problem.detail
    })
}

#[test]
fn json_and_csv_are_taken_as_utf_8() {
    for (declared, expected) in [
        ("application/json", Form::Json),
        ("Application/JSON; charset=UTF-8", Form::Json),
        ("application/json;charset=\"utf-8\";", Form::Json),
        ("text/csv", Form::Csv(Header::Auto)),
        (
            "text/csv; header=absent; charset=utf-8",
            Form::Csv(Header::Absent),
        ),
    ] {
        assert_eq!(form(declared).unwrap(), expected, "{declared}");
    }
}

#[test]
fn what_else_is_declared_is_refused() {
    for (declared, part) in [
        ("", "is missing"),
        ("text/plain", "`text/plain`"),
        ("application/vnd.apache.parquet", "parquet"),
        ("application/json; charset=latin-1", "`latin-1`"),
        ("application/json; format=pandas-split", "`format`"),
        ("application/json; header=absent", "`header`"),
    ] {
        let told = form(declared).unwrap_err();
        assert!(told.contains(part), "{declared}: {told}");
    }
}

#[tokio::test]
async fn every_problem_has_a_name_that_mlflow_knows() {
    for row in codes::CODES {
        let problem = Problem::of_job(row.code, "why");
        let response = refusal(&problem);
        assert_eq!(response.status().as_u16(), problem.status);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(told["message"], "why");
        assert!(told["error_code"].as_str().unwrap().len() > 3, "{told}");
    }
    let refused = refusal(&Problem::protocol("unsupported_media", "no"));
    assert_eq!(refused.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
}

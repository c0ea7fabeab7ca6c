//! The page of the REST interface: its operations by resource, from the OpenAPI document.

use serde_json::Value;

use super::types::{self, Documented};
use super::{MADE, head, row};
use crate::cli::CliError;
use crate::http::rest::openapi;

/// The methods in the order in which people look for them.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One operation and where it is.
struct Operation<'d> {
    method: &'static str,
    path: &'d str,
    about: &'d Value,
}

/// The page.
pub fn page() -> Result<String, CliError> {
    let document = serde_json::to_value(openapi::document())
        .map_err(|error| CliError::Failure(format!("writing the OpenAPI document: {error}")))?;
    let mut text = format!(
        "# REST\n\n{MADE}\nThe same, for programs, is `openapi.yaml` in the repository, `/openapi.yaml` of every server and \
         `yosoku openapi`; `/docs` of a server lets you try it. Bodies are JSON unless said otherwise. A server that has keys \
         wants `Authorization: Bearer <key>`. Slow work answers 202 at once: follow it with `GET …?wait=SECONDS` or \
         `…/events`. Every operation may also answer 401, 403, 429, 500 and 503; [error codes](errors.md) lists the codes of \
         each status.\n"
    );
    let schemas = Documented::of(&document);
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let found = operations(&document, name);
        text += &format!(
            "\n## {name}\n\n{}\n\n",
            tag["description"].as_str().unwrap_or_default()
        );
        text += &head(&["operation", "what it does", "body", "answers", "errors"]);
        text += &found
            .iter()
            .map(|one| overview(one, &schemas))
            .collect::<String>();
        text += &parameters(&found);
    }
    text += &schemas.page();
    Ok(text)
}

/// The operations of a tag in the order of their addresses.
fn operations<'d>(document: &'d Value, tag: &str) -> Vec<Operation<'d>> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let about = &item[method];
            if about["tags"][0] == tag {
                found.push(Operation { method, path, about });
            }
        }
    }
    found
}

impl Operation<'_> {
    fn name(&self) -> String {
        format!("`{} {}`", self.method.to_uppercase(), self.path)
    }
}

fn overview(operation: &Operation<'_>, schemas: &Documented<'_>) -> String {
    let about = operation.about;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut does = text(&about["summary"]);
    if about["description"].is_string() {
        does += &format!(". {}", text(&about["description"]).trim_end_matches('.'));
    }
    let body = schemas.content(&about["requestBody"]["content"]);
    let (mut answers, mut errors) = (Vec::new(), Vec::new());
    for (status, response) in about["responses"].as_object().into_iter().flatten() {
        if status.as_str() < "400" {
            let what = schemas.content(&response["content"]);
            answers.push(format!("{status} {what}").trim_end().to_owned());
        } else if !["401", "403", "429", "500", "503"].contains(&status.as_str()) {
            errors.push(status.clone());
        }
    }
    row([
        operation.name(),
        does,
        body,
        answers.join("; "),
        errors.join(", "),
    ])
}

/// One table for the parameters of all operations of a resource; nothing where none has any.
fn parameters(operations: &[Operation<'_>]) -> String {
    let mut rows = String::new();
    for operation in operations {
        for parameter in operation.about["parameters"].as_array().into_iter().flatten() {
            let text = |name: &str| parameter[name].as_str().unwrap_or_default();
            rows += &row([
                operation.name(),
                format!("`{}`", text("name")),
                text("in").to_owned(),
                types::name(&parameter["schema"]),
                text("description").to_owned(),
            ]);
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "\n{}{rows}",
        head(&["operation", "parameter", "in", "type", "meaning"])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let page = page().unwrap();
        let document = serde_json::to_value(openapi::document()).unwrap();
        let mut count = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                assert!(
                    page.contains(&format!("`{} {path}`", method.to_uppercase())),
                    "{method} {path}"
                );
                count += 1;
            }
        }
        assert!(count > 30, "{count} operations");
    }
}

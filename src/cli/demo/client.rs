//! Speaks HTTP with the demo's server and prints each request as the curl line that does the same.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::show;

/// Characters of an answer that are shown.
const SHOWN: usize = 400;

/// A client of one server.
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

impl Client {
    /// A client of the server at `address`.
    pub fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(300)))
            .build();
        Self {
            agent: config.into(),
            base: format!("http://{address}"),
        }
    }

    /// Uploads a file.
    pub fn upload(&self, path: &str, file: &str, bytes: &[u8]) -> Result<Value, CliError> {
        let url = format!("{}{path}", self.base);
        show::print(&format!("\n$ curl -T {file} -H 'Content-Type: text/csv' {url}\n"))?;
        let answer = self.agent.put(&url).content_type("text/csv").send(bytes);
        let answer = self.json(answer)?;
        self.print_answer(&answer)?;
        Ok(answer)
    }

    /// Posts a JSON document.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        let url = format!("{}{path}", self.base);
        show::print(&format!("\n$ curl --json '{body}' {url}\n"))?;
        let answer = self
            .agent
            .post(&url)
            .content_type("application/json")
            .send(body.to_string().as_bytes());
        let answer = self.json(answer)?;
        self.print_answer(&answer)?;
        Ok(answer)
    }

    /// Reads a resource until its work has ended, with progress meanwhile. `fields` of the end are shown.
    pub fn wait(&self, path: &str, fields: &[&str]) -> Result<Value, CliError> {
        show::print(&format!("\n$ curl '{}{path}?wait=60'\n", self.base))?;
        let bar = bar();
        let ended = loop {
            // Short waits keep the bar moving.
            let answer = self.json(self.agent.get(&format!("{}{path}?wait=1", self.base)).call())?;
            match answer["status"].as_str() {
                Some("PENDING" | "INPROGRESS") => {
                    bar.set_position((answer["progress"]["fraction"].as_f64().unwrap_or(0.0) * 100.0) as u64);
                    bar.set_message(
                        answer["progress"]["stage"]
                            .as_str()
                            .unwrap_or("waiting")
                            .to_string(),
                    );
                }
                Some("COMPLETED") => break answer,
                _ => return Err(CliError::Failure(format!("{path} ended badly: {answer}"))),
            }
        };
        bar.finish_and_clear();
        let shown: serde_json::Map<String, Value> = fields
            .iter()
            .filter_map(|field| Some((field.to_string(), ended.get(*field)?.clone())))
            .collect();
        self.print_answer(&Value::Object(shown))?;
        Ok(ended)
    }

    /// Downloads a text and shows its first lines.
    pub fn download(&self, path: &str) -> Result<String, CliError> {
        let url = format!("{}{path}", self.base);
        show::print(&format!("\n$ curl {url}\n"))?;
        let mut answer = self.agent.get(&url).call().map_err(|error| failed(&error))?;
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| failed(&error))?;
        if !answer.status().is_success() {
            return Err(CliError::Failure(format!("{path}: {text}")));
        }
        text.lines()
            .take(4)
            .try_for_each(|line| show::print(&format!("{}\n", cut(line))))?;
        show::print(&format!("… {} lines in all\n", text.lines().count()))?;
        Ok(text)
    }

    fn json(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, CliError> {
        let mut answer = answer.map_err(|error| failed(&error))?;
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| failed(&error))?;
        if !answer.status().is_success() {
            return Err(CliError::Failure(format!(
                "the server answered {}: {text}",
                answer.status()
            )));
        }
        serde_json::from_str(&text)
            .map_err(|error| CliError::Failure(format!("the answer is no JSON: {error}")))
    }

    fn print_answer(&self, answer: &Value) -> Result<(), CliError> {
        show::print(&format!("{}\n", cut(&answer.to_string())))
    }
}

fn failed(error: &ureq::Error) -> CliError {
    CliError::Failure(format!("asking the server: {error}"))
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str(" …");
    }
    shown
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(100);
    if let Ok(style) = ProgressStyle::with_template("{msg:<10} [{bar:30}] {percent:>3} %") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

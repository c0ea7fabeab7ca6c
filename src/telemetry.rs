//! What the program says about itself: log lines on standard error, and numbers for `/metrics`.
//!
//! One line per request or job, none per row, and never a cell's value, a key or a body.

pub mod metrics;
pub mod models;
pub mod shadows;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

pub use metrics::{Metrics, peak_bytes, resident_bytes};

/// Starts logging to standard error: JSON lines or compact text, coloured on a terminal unless
/// `plain`. Fails on a filter that cannot be read, and when logging was started before.
pub fn init(json: bool, filter: &str, plain: bool) -> Result<(), String> {
    let colour = !plain && !json && io::stderr().is_terminal();
    let dispatch = dispatch(json, filter, colour, BoxMakeWriter::new(io::stderr))?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|error| error.to_string())
}

fn dispatch(json: bool, filter: &str, colour: bool, to: BoxMakeWriter) -> Result<tracing::Dispatch, String> {
    // The library of the S3 door calls every refused request an error; the access log has them all.
    let quiet = match filter.contains("s3s") {
        true => filter.to_owned(),
        false => format!("{filter},s3s=off"),
    };
    let filter = EnvFilter::try_new(quiet).map_err(|error| {
        format!("`{filter}` is not a log filter: {error}; write for example info,yosoku=debug")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        // A line that cannot be written must not be told of on the same closed pipe: that would be a panic.
        .log_internal_errors(false)
        .with_writer(to);
    Ok(if json {
        builder.json().flatten_event(true).into()
    } else {
        builder.compact().into()
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool, filter: &str) -> String {
        let sink = Sink::default();
        let to = sink.clone();
        let dispatch = dispatch(json, filter, false, BoxMakeWriter::new(move || to.clone())).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(rows.read = 7, "half way");
            tracing::debug!("too much");
        });
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_lines_are_json_and_the_filter_filters() {
        let text = logged(true, "info");
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(
            (line["message"].as_str(), line["rows.read"].as_i64()),
            (Some("half way"), Some(7))
        );
    }

    #[test]
    fn compact_text_is_one_line() {
        let text = logged(false, "info");
        assert!(
            text.contains("half way") && text.contains("rows.read=7") && text.lines().count() == 1,
            "{text}"
        );
        assert_eq!(logged(false, "debug").lines().count(), 2);
    }

    #[test]
    fn a_bad_filter_is_named() {
        let error = dispatch(false, "yosoku=loud", false, BoxMakeWriter::new(io::sink)).unwrap_err();
        assert!(error.contains("yosoku=loud"), "{error}");
    }
}

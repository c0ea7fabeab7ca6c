//! One Python for a page: what one snippet defines, the next one knows.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Runs each line, a JSON string, as a piece of one program, and says when it is done and how.
const DRIVER: &str = r#"
import json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "snippet", "exec"), names)
        end = "\0done"
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        end = "\0failed"
    print(end, flush=True)
"#;

/// A Python that waits for snippets.
pub struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// Starts `program` in a folder.
    pub fn start(program: &str, folder: &Path, variables: &[(&str, String)]) -> Self {
        let mut child = Command::new(program)
            .args(["-u", "-c", DRIVER])
            .current_dir(folder)
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("YOSOKU_DOCS_PYTHON: starting `{program}`: {error}"));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Runs a snippet; gives what it printed, or that and what went wrong.
    pub fn run(&mut self, snippet: &str) -> Result<Vec<String>, String> {
        writeln!(self.input, "{}", serde_json::to_string(snippet).unwrap()).unwrap();
        let mut printed = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return Err(format!("Python ended\n{}", printed.join("\n")));
            }
            match line.trim_end() {
                "\0done" => return Ok(printed),
                "\0failed" => return Err(printed.join("\n")),
                line => printed.push(line.to_owned()),
            }
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

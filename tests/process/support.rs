//! Ways to run the program, to wait for things to happen, and to look at what lies in a folder.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_yosoku");

/// How long anything may take before a test gives up: far longer than it takes.
pub const PATIENCE: Duration = Duration::from_secs(50);

/// A fresh process begins within this time what a killed one was at: well before the lease of the dead one, 15
/// seconds, runs out.
pub const AT_ONCE: Duration = Duration::from_secs(10);

/// The path of a sample file.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("datasets/{name}.csv"))
}

/// The program with arguments, in an environment that says nothing.
pub fn yosoku<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

impl Ran {
    /// Its output, given that it went well.
    pub fn ok(self) -> Vec<u8> {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// The one JSON document that it printed, given that it went well.
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}: {}", text(&out)))
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: output.stdout,
        err: text(&output.stderr),
    }
}

/// Runs a command to its end with `input` on its standard input.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Ran {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    Ran {
        code: output.status.code(),
        out: output.stdout,
        err: text(&output.stderr),
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Looks until `find` finds something.
pub fn until<T>(what: &str, patience: Duration, mut find: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A process that runs until it is told to end; killed when the test is over.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Starts a command.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let shared = log.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut buffer) {
                shared.lock().unwrap().push_str(&text(&buffer[..count]));
            }
        });
        Self {
            child,
            log,
            reader: Some(reader),
        }
    }

    /// Everything that it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a whole line of its log that has all of `parts`.
    pub fn line(&mut self, parts: &[&str], patience: Duration) -> String {
        until(&format!("a line with {parts:?}"), patience, || {
            let log = self.log();
            let whole = log.rfind('\n').map_or("", |end| &log[..end]);
            let found = whole
                .lines()
                .find(|line| parts.iter().all(|part| line.contains(part)));
            if found.is_none()
                && let Some(status) = self.child.try_wait().unwrap()
            {
                panic!("ended with {status} before {parts:?}: {log}");
            }
            found.map(str::to_owned)
        })
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ends it with SIGKILL, which it cannot notice; returns its log.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.whole_log()
    }

    /// Waits for its end; returns how it ended, and its log.
    pub fn end(mut self, patience: Duration) -> (ExitStatus, String) {
        let status = until("the end of a process", patience, || {
            self.child.try_wait().unwrap()
        });
        (status, self.whole_log())
    }

    fn whole_log(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is just as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The files below a folder, at any depth, by their paths relative to it and in order.
pub fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, top: &Path, found: &mut Vec<String>) {
        // A folder that goes away meanwhile has no files.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, top, found);
            } else {
                found.push(path.strip_prefix(top).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

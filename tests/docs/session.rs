//! A reader who follows one page: a folder with the sample data, a shell, and servers that run until the page ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::blocks::{Block, Step};
use crate::compare;
use crate::database::Database;
use crate::python::Python;

/// How long a command may take before the test gives up: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(100);

/// Ports that pages name; each gets a free one instead, so that pages run side by side and beside anything else.
const PORTS: [&str; 6] = ["8080", "8081", "8082", "8443", "9000", "9001"];

/// Where free ports are looked for: below those that the system gives to clients.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// One page being followed.
pub struct Session {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
    ports: BTreeMap<&'static str, String>,
    running: Vec<(String, Child, PathBuf)>,
    python: Option<Python>,
    database: Option<Database>,
    /// What the last snippet of Python printed.
    printed: Vec<String>,
}

fn free_port() -> String {
    let base = 18_000 + (std::process::id() % 100) as u16 * 100;
    loop {
        let port = base + NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        // Ports are replaced one after the other; none may look like one that comes later.
        let is_clear = PORTS.iter().all(|named| !port.to_string().contains(named));
        if is_clear && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port.to_string();
        }
    }
}

impl Session {
    /// A new folder; `python` is the program for snippets in that language, if there is one.
    pub fn new(python: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let link = |from: &Path, to: &str| std::os::unix::fs::symlink(from, folder.path().join(to)).unwrap();
        link(&root.join("datasets"), "datasets");
        std::fs::create_dir(folder.path().join(".bin")).unwrap();
        link(Path::new(env!("CARGO_BIN_EXE_yosoku")), ".bin/yosoku");
        std::fs::write(folder.path().join(".state"), "").unwrap();
        // A meter of progress is for terminals.
        std::fs::write(folder.path().join(".curlrc"), "silent\nshow-error\n").unwrap();
        let ports = PORTS.map(|port| (port, free_port())).into();
        let mut session = Self {
            variables: Vec::new(),
            ports,
            running: Vec::new(),
            python: None,
            database: None,
            printed: Vec::new(),
            folder,
        };
        session.variables = session.environment(python);
        session.python =
            python.map(|program| Python::start(program, session.folder.path(), &session.variables));
        session
    }

    fn environment(&self, python: Option<&str>) -> Vec<(&'static str, String)> {
        let folder = self.folder.path().display().to_string();
        // Programs that came with the packages of that Python, such as `aws`, lie beside it.
        let beside = python.and_then(|program| Path::new(program).parent());
        let beside = beside
            .map(|folder| format!("{}:", folder.display()))
            .unwrap_or_default();
        let path = crate::variable("PATH");
        vec![
            ("PATH", format!("{folder}/.bin:{beside}{path}")),
            ("HOME", folder.clone()),
            ("TMPDIR", folder),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("YOSOKU_LISTEN", format!("127.0.0.1:{}", self.ports["8080"])),
            (
                "PYTHONPATH",
                format!("{}/clients/python/src", env!("CARGO_MANIFEST_DIR")),
            ),
            // Amazon's clients do not ask without; a server that has no keys takes any.
            ("AWS_ACCESS_KEY_ID", "anybody".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "anything".to_owned()),
        ]
    }

    /// Writes the file that a block holds.
    pub fn write(&self, name: &str, block: &Block) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.as_here(&block.text())).unwrap();
    }

    /// Gives the page a database of its own on a server for tests, unless it has one.
    pub fn need_database(&mut self, server: &str) -> Result<(), String> {
        if self.database.is_none() {
            self.database = Some(Database::new(server)?);
        }
        Ok(())
    }

    /// Runs the statements of a block in the database of the page.
    pub fn sql(&self, block: &Block) -> Result<(), String> {
        let database = self.database.as_ref();
        database
            .ok_or("statements need a database: add needs=\"postgres\"")?
            .run(&block.text())
    }

    /// A text of the page with the ports and the database that are used here.
    fn as_here(&self, text: &str) -> String {
        let text = match &self.database {
            Some(database) => database.with_address(text),
            None => text.to_owned(),
        };
        let ports = self.ports.iter();
        ports.fold(text, |text, (named, used)| text.replace(named, used))
    }

    /// What was printed here, with the ports of the page.
    fn lines(&self, text: &str) -> Vec<String> {
        let ports = self.ports.iter();
        let text = ports.fold(text.to_owned(), |text, (named, used)| {
            text.replace(&format!(":{used}"), &format!(":{named}"))
        });
        text.lines().map(str::to_owned).collect()
    }

    /// Takes a step; says what was not as the page has it. `code` is how it should end.
    pub fn step(&mut self, step: &Step, code: i32) -> Result<(), String> {
        if step.background {
            return self.start(step);
        }
        // Of a pipe a reader sees what comes out at its end, and of anything else messages too.
        let merged = if step.command.contains(" | ") {
            ""
        } else {
            "exec 2>&1\n"
        };
        let script = format!(
            "{merged}. ./.state\ntrap 'export -p >.state' EXIT\nset -e\n{}",
            self.as_here(&step.command)
        );
        let (out, err) = (self.file(".out"), self.file(".err"));
        let mut child = self.shell(&script, &out, &err);
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return Err(format!("took longer than {PATIENCE:?}"));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let printed = self.lines(&read(&out));
        if status.code() != Some(code) {
            return Err(format!(
                "ended with {status}, not {code}\n{}\n{}",
                printed.join("\n"),
                read(&err)
            ));
        }
        match &step.expected {
            Some(expected) if !compare::agree(expected, &printed) => Err(differs(expected, &printed)),
            _ => Ok(()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shell(&self, script: &str, out: &Path, err: &Path) -> Child {
        Command::new("sh")
            .args(["-c", script])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(out).unwrap())
            .stderr(File::create(err).unwrap())
            .spawn()
            .unwrap()
    }

    /// Starts a program that goes on running, and waits until it has said what the page shows, or that it is ready.
    fn start(&mut self, step: &Step) -> Result<(), String> {
        let out = self.file(&format!(".log{}", self.running.len()));
        let command = self.as_here(&step.command);
        let script = format!("exec 2>&1\n. ./.state\nexec {command}");
        let child = self.shell(&script, &out, &self.file(".err"));
        self.running.push((step.command.clone(), child, out.clone()));
        let mut expected = step.expected.clone().unwrap_or_default();
        // What it says later on belongs to nobody.
        expected.push(String::from("…"));
        let is_ready = |line: &String| ["serving ", "working "].iter().any(|word| line.starts_with(word));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let printed = self.lines(&String::from_utf8_lossy(&std::fs::read(&out).unwrap()));
            if printed.iter().any(is_ready) && compare::agree(&expected, &printed) {
                return Ok(());
            }
            let ended = self
                .running
                .last_mut()
                .is_some_and(|(_, child, _)| child.try_wait().unwrap().is_some());
            if ended || Instant::now() > deadline {
                return Err(differs(&expected, &printed));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends what goes on running, as Ctrl-C does; says what ended badly.
    pub fn stop(&mut self) -> Result<(), String> {
        for (command, mut child, log) in self.running.drain(..) {
            let asked = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .status();
            asked.map_err(|error| error.to_string())?;
            let deadline = Instant::now() + PATIENCE;
            let status = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break status,
                    None if Instant::now() > deadline => return Err(format!("`{command}` does not end")),
                    None => std::thread::sleep(Duration::from_millis(2)),
                }
            };
            if !status.success() {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("`{command}` ended with {status}\n{log}"));
            }
        }
        Ok(())
    }

    /// Runs a snippet of Python; nothing where there is none.
    pub fn python(&mut self, block: &Block) -> Result<(), String> {
        let snippet = self.as_here(&block.text());
        if let Some(python) = &mut self.python {
            let printed = python.run(&snippet)?;
            self.printed = self.lines(&printed.join("\n"));
        }
        Ok(())
    }

    /// Compares what the last snippet printed with a block.
    pub fn printed(&self, block: &Block) -> Result<(), String> {
        if self.python.is_some() && !compare::agree(&block.lines, &self.printed) {
            return Err(differs(&block.lines, &self.printed));
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for (_, child, _) in &mut self.running {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn differs(expected: &[String], printed: &[String]) -> String {
    format!(
        "the page shows\n{}\n-- and this was printed\n{}\n--",
        expected.join("\n"),
        printed.join("\n")
    )
}

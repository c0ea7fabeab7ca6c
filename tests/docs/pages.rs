//! Every page with commands or snippets, followed from its first line to its last.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::blocks::{self, Block};
use crate::links;
use crate::servers::{POSTGRES, server};
use crate::session::Session;

/// Blocks that are marked as not run, at most: who adds one says so here as well.
const NOT_RUN: usize = 3;

/// What a block that was not run is called in the list.
struct Left {
    place: String,
    why: String,
    /// It is marked so, and not for want of something on this machine.
    is_marked: bool,
}

/// What blocks may need that not every machine has.
struct Outside {
    /// A Python, with clients that others wrote beside it.
    python: Option<String>,
    /// The address of a server.
    postgres: Option<String>,
}

impl Outside {
    fn found() -> Self {
        Self {
            python: Some(crate::variable("YOSOKU_DOCS_PYTHON")).filter(|program| !program.is_empty()),
            postgres: server(POSTGRES),
        }
    }

    /// What is missing for a block, if anything is.
    fn lacks(&self, block: &Block) -> Result<Option<&'static str>, String> {
        let needs = match block.attribute("needs") {
            None if block.language == "python" => "python",
            None => return Ok(None),
            Some(needs) => needs,
        };
        match needs {
            "python" if self.python.is_none() => Ok(Some("no Python is named by YOSOKU_DOCS_PYTHON")),
            "postgres" if self.postgres.is_none() => Ok(Some("no server is named by YOSOKU_TEST_POSTGRES")),
            "python" | "postgres" => Ok(None),
            other => Err(format!("needs=\"{other}\" is not known")),
        }
    }
}

/// The pages that are followed: those that people write, but for the ones that notebooks are rendered to.
fn followed() -> Vec<PathBuf> {
    let written = links::pages().into_iter().filter(|page| {
        !["docs/reference", "docs/notebooks"]
            .iter()
            .any(|made| page.starts_with(made))
            && (page.starts_with("docs") || page == Path::new("README.md"))
    });
    written.collect()
}

/// What is wrong with a block, if anything is.
fn take(session: &mut Session, block: &Block) -> Result<(), String> {
    if let Some(name) = block.attribute("file") {
        session.write(name, block);
    }
    match block.language.as_str() {
        "sh" | "console" => {
            let steps = blocks::steps(block);
            let ends: i32 = block.attribute("exit").map_or(0, |code| code.parse().unwrap());
            for (index, step) in steps.iter().enumerate() {
                let code = if index + 1 == steps.len() { ends } else { 0 };
                session
                    .step(step, code)
                    .map_err(|error| format!("line {}: {}\n{error}", step.line, step.command))?;
            }
            Ok(())
        }
        "python" => session.python(block),
        "sql" => session.sql(block),
        "stop" => session.stop(),
        "json" => serde_json::from_str::<serde_json::Value>(&block.text())
            .map(drop)
            .map_err(|error| error.to_string()),
        "jsonl" => block.lines.iter().try_for_each(|line| {
            serde_json::from_str::<serde_json::Value>(line)
                .map(drop)
                .map_err(|error| format!("{line}: {error}"))
        }),
        "csv" => csv::Reader::from_reader(block.text().as_bytes())
            .records()
            .try_for_each(|record| record.map(drop))
            .map_err(|error| error.to_string()),
        "toml" => toml::from_str::<toml::Table>(&block.text())
            .map(drop)
            .map_err(|error| error.to_string()),
        "text" if block.attribute("output").is_some() => session.printed(block),
        "text" => match block.lines.iter().find(|line| is_command(line)) {
            Some(line) => Err(format!(
                "`{line}` looks like a command; mark the block `sh` or `console`"
            )),
            None => Ok(()),
        },
        "" => Err("the block has no language behind its fence".to_owned()),
        other => Err(format!(
            "`{other}` is not tested; add no-run=\"why\", or use another language"
        )),
    }
}

fn is_command(line: &str) -> bool {
    ["$ ", "yosoku ", "curl ", "make ", "cargo ", "python", "import "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Follows a page to its first surprise.
fn follow(page: &Path, outside: &Outside, left: &Mutex<Vec<Left>>) -> Result<usize, String> {
    let text = std::fs::read_to_string(links::root().join(page)).unwrap();
    let blocks = blocks::of(&text);
    let mut session = None;
    let mut count = 0;
    for block in &blocks {
        let place = format!("{}:{}", page.display(), block.line);
        let because = |why: &str, is_marked| {
            left.lock().unwrap().push(Left {
                place: place.clone(),
                why: why.to_owned(),
                is_marked,
            });
        };
        if let Some(why) = block.attribute("no-run") {
            if why.len() < 10 {
                return Err(format!("{place}: no-run=\"{why}\" does not say why"));
            }
            because(why, true);
            continue;
        }
        if let Some(missing) = outside
            .lacks(block)
            .map_err(|error| format!("{place}: {error}"))?
        {
            because(missing, false);
            continue;
        }
        let session = session.get_or_insert_with(|| Session::new(outside.python.as_deref()));
        if let (Some("postgres"), Some(server)) = (block.attribute("needs"), &outside.postgres) {
            session
                .need_database(server)
                .map_err(|error| format!("{place}: {error}"))?;
        }
        take(session, block).map_err(|error| format!("{place}: {error}"))?;
        count += 1;
    }
    session
        .map_or(Ok(()), |mut session| session.stop())
        .map_err(|error| format!("{}: {error}", page.display()))?;
    Ok(count)
}

#[test]
fn the_documentation_shows_what_the_program_does() {
    let outside = Outside::found();
    let only = crate::variable("YOSOKU_DOCS_ONLY");
    let pages: Vec<PathBuf> = followed()
        .into_iter()
        .filter(|page| page.to_string_lossy().contains(&only))
        .collect();
    let (left, wrong, count) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()), Mutex::new(0));
    let queue = Mutex::new(pages.iter());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some(page) = next else { break };
                    match follow(page, &outside, &left) {
                        Ok(taken) => *count.lock().unwrap() += taken,
                        Err(error) => wrong.lock().unwrap().push(error),
                    }
                }
            });
        }
    });
    let mut left = left.into_inner().unwrap();
    left.sort_by(|a, b| a.place.cmp(&b.place));
    println!(
        "{} blocks on {} pages were tried, {} were not run:",
        count.into_inner().unwrap(),
        pages.len(),
        left.len()
    );
    left.iter()
        .for_each(|left| println!("  {}  {}", left.place, left.why));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let marked = left.iter().filter(|left| left.is_marked).count();
    assert!(
        marked <= NOT_RUN,
        "{marked} blocks are marked no-run, at most {NOT_RUN} may be"
    );
}

#[test]
fn a_text_that_is_a_command_is_found() {
    let mut session = Session::new(None);
    let mut said = |page: &str| take(&mut session, &blocks::of(page)[0]);
    assert!(said("```text\nyosoku inspect a.csv\n```\n").is_err());
    assert!(said("```text\na table\n```\n").is_ok());
    assert!(said("```\na table\n```\n").is_err());
    assert!(said("```toml\na = \n```\n").is_err());
    assert!(said("```toml\na = 1\n```\n").is_ok());
    assert!(said("```ini\na = 1\n```\n").is_err());
    assert!(said("```json\n{\"a\": }\n```\n").is_err());
    assert!(said("```csv\na,b\n1\n```\n").is_err());
    assert!(said("```console\n$ echo b\na\n```\n").is_err());
    assert!(said("```console\n$ echo a\na\n```\n").is_ok());
    assert!(said("```console\n$ exit 3\n```\n").is_err());
    assert!(said("```console exit=\"3\"\n$ exit 3\n```\n").is_ok());
    assert!(said("```sh\nexport A=b\n```\n").is_ok());
    assert!(said("```console\n$ echo $A\nb\n```\n").is_ok());
}

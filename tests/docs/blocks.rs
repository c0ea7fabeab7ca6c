//! What stands between the fences of a page.

use std::collections::BTreeMap;

/// A fenced block, or one in a comment that readers do not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of the opening fence, from 1.
    pub line: usize,
    /// The first word behind the fence; empty if there is none.
    pub language: String,
    /// What follows it, such as `no-run="needs a bucket"`.
    pub attributes: BTreeMap<String, String>,
    /// The lines between the fences.
    pub lines: Vec<String>,
}

impl Block {
    /// The value of an attribute; empty if it has none.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The lines as one text.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// All blocks of a page in their order. A comment `<!-- sh` (or `sql`, `python`), which ends with a line `-->`, is a block too.
pub fn of(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(Block, String, String)> = None;
    for (index, line) in page.lines().enumerate() {
        let unindented = line.trim_start();
        let indent = &line[..line.len() - unindented.len()];
        match open.take() {
            Some((block, _, end)) if unindented == end => found.push(block),
            Some((mut block, indent, end)) => {
                block
                    .lines
                    .push(line.strip_prefix(indent.as_str()).unwrap_or(line).to_owned());
                open = Some((block, indent, end));
            }
            None => {
                let fenced = unindented.strip_prefix("```").map(|info| (info, "```"));
                let opened = fenced.or_else(|| hidden(unindented).map(|info| (info, "-->")));
                if unindented == "<!-- stop -->" {
                    found.push(block(index + 1, "stop"));
                }
                open = opened.map(|(info, end)| (block(index + 1, info), indent.to_owned(), end.to_owned()));
            }
        }
    }
    assert!(open.is_none(), "a block is never closed: {open:?}");
    found
}

/// What stands behind the beginning of a comment that is a block, the language first.
fn hidden(line: &str) -> Option<&str> {
    let info = line.strip_prefix("<!-- ")?;
    let language = info.split(' ').next()?;
    (["sh", "sql", "python"].contains(&language) && !info.ends_with("-->")).then_some(info)
}

fn block(line: usize, info: &str) -> Block {
    let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
    let mut attributes = BTreeMap::new();
    let mut rest = rest.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(quoted) => {
                let (value, after) = quoted
                    .split_once('"')
                    .expect("a quote behind the fence is not closed");
                rest = after;
                value.to_owned()
            }
            None => String::new(),
        };
        attributes.insert(name, value);
        rest = rest.trim_start();
    }
    Block {
        line,
        language: language.to_owned(),
        attributes,
        lines: Vec::new(),
    }
}

/// One command of a block with what it is said to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its line on the page.
    pub line: usize,
    /// The command, over several lines if it goes on.
    pub command: String,
    /// The lines that it prints; none where a script does not show them.
    pub expected: Option<Vec<String>>,
    /// It goes on running.
    pub background: bool,
}

/// The commands of a block: of `console` those behind `$ `, of `sh` all, in one piece but for those that go on
/// running.
pub fn steps(block: &Block) -> Vec<Step> {
    let mut found: Vec<Step> = Vec::new();
    let console = block.language == "console";
    let mut continued = false;
    for (index, line) in block.lines.iter().enumerate() {
        let command = if console {
            line.strip_prefix("$ ")
        } else {
            Some(line.as_str())
        };
        let last = found
            .last_mut()
            .filter(|last| continued || !console && !last.background);
        match (command, last) {
            (_, Some(last)) if continued || !console => {
                last.command.push('\n');
                last.command.push_str(line);
            }
            (Some(command), _) => found.push(Step {
                line: block.line + index + 1,
                command: command.to_owned(),
                expected: console.then(Vec::new),
                background: false,
            }),
            (None, _) => {
                let last = found.last_mut().expect("output follows a command");
                last.expected.as_mut().expect("of a console").push(line.clone());
            }
        }
        continued = line.ends_with('\\') && (command.is_some() || continued);
        let last = found.last_mut().expect("there is one");
        // A program that goes on running is a step of its own.
        if command.is_some() && !continued && without_comment(line).ends_with(" &") && !last.background {
            match last.command.rsplit_once('\n') {
                Some((before, own)) if !console => {
                    let own = own.to_owned();
                    last.command = before.to_owned();
                    found.push(Step {
                        line: block.line + index + 1,
                        command: own,
                        expected: None,
                        background: true,
                    });
                }
                _ => last.background = true,
            }
        }
    }
    for step in found.iter_mut().filter(|step| step.background) {
        let command = without_comment(&step.command);
        step.command = command.strip_suffix(" &").unwrap_or(command).to_owned();
    }
    found
}

/// A line of a script without the remark at its end.
fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim_end()
}

#[test]
fn blocks_are_found_with_what_they_are_marked_with() {
    let page = "a\n```sh no-run=\"needs a b\" x\nls\n```\n- b\n  ```json file=\"a.json\"\n  {}\n  ```\n<!-- sh\ncp a b\n-->\n<!-- sql needs=\"x\"\nselect\n-->\n<!-- sh -->\n";
    let found = of(page);
    assert_eq!(found.len(), 4);
    assert_eq!((found[0].line, found[0].language.as_str()), (2, "sh"));
    assert_eq!(found[0].attribute("no-run"), Some("needs a b"));
    assert_eq!(found[0].attribute("x"), Some(""));
    assert_eq!(
        (found[1].text().as_str(), found[1].attribute("file")),
        ("{}\n", Some("a.json"))
    );
    assert_eq!(
        (found[2].language.as_str(), found[2].text().as_str()),
        ("sh", "cp a b\n")
    );
    assert_eq!(
        (found[3].language.as_str(), found[3].attribute("needs")),
        ("sql", Some("x"))
    );
}

#[test]
fn commands_are_told_from_what_they_print() {
    let of_text = |text: &str| {
        let found = steps(&of(text)[0]);
        let short = |step: Step| (step.line, step.command, step.expected, step.background);
        found.into_iter().map(short).collect::<Vec<_>>()
    };
    let lines = |lines: &[&str]| Some(lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    assert_eq!(
        of_text("```console\n$ a \\\n  b\nc\n$ d &\ne\n```\n"),
        [
            (2, "a \\\n  b".to_owned(), lines(&["c"]), false),
            (5, "d".to_owned(), lines(&["e"]), true)
        ]
    );
    assert_eq!(
        of_text("```sh\na\nb \\\n c\nd &\ne\n```\n"),
        [
            (2, "a\nb \\\n c".to_owned(), None, false),
            (5, "d".to_owned(), None, true),
            (6, "e".to_owned(), None, false)
        ]
    );
    assert_eq!(
        of_text("```sh\nd &   # goes on\ne\n```\n"),
        [(2, "d".to_owned(), None, true), (3, "e".to_owned(), None, false)]
    );
    assert_eq!(of_text("```sh\nd &\n```\n"), [(2, "d".to_owned(), None, true)]);
}

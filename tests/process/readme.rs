//! The README's commands, run and compared line by line.
//!
//! Blocks marked `console` hold commands behind `$ yosoku` and what they print. A line `…` stands for
//! any further output; everything before it must be there as written.

use std::path::Path;
use std::process::Command;

/// The commands of all console blocks with the output they promise.
fn examples(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ yosoku ") {
                Some(command) => found.push((command.to_string(), Vec::new())),
                None => found
                    .last_mut()
                    .expect("output follows a command")
                    .1
                    .push(line.to_string()),
            },
        }
    }
    found
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root.join("datasets"), folder.path().join("datasets")).unwrap();
    let examples = examples(&text);
    assert!(examples.len() >= 3, "the README lost its examples");
    for (command, expected) in examples {
        let script = format!("'{}' {command} 2>&1", env!("CARGO_BIN_EXE_yosoku"));
        let script = script.replace(" | head -3 2>&1", " 2>/dev/null | head -3");
        let run = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let printed = String::from_utf8(run.stdout).unwrap();
        let mut lines = printed.lines();
        for line in expected.iter().take_while(|line| *line != "…") {
            assert_eq!(lines.next(), Some(line.as_str()), "yosoku {command}\n{printed}");
        }
    }
}

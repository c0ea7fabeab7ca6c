//! The reference is what the program says today.

use std::process::Command;

use crate::links::root;

#[test]
fn the_reference_is_up_to_date() {
    for page in ["cli", "configuration", "errors", "rest"] {
        let run = Command::new(env!("CARGO_BIN_EXE_yosoku"))
            .args(["reference", page])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let now = String::from_utf8(run.stdout).unwrap();
        let path = root().join(format!("docs/reference/{page}.md"));
        let written = std::fs::read_to_string(&path).unwrap();
        let line = now
            .lines()
            .zip(written.lines())
            .position(|(now, written)| now != written);
        assert!(
            now == written,
            "docs/reference/{page}.md is out of date from line {}; run `make reference`",
            line.map_or(0, |line| line + 1)
        );
    }
}

//! Links between pages and to files lead somewhere, and the table of contents has every page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Pages outside of `docs`.
const OUTSIDE: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "datasets/README.md",
    "models/README.md",
    "tests/clients/README.md",
];

/// All pages, by their paths from the root, sorted.
pub fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = OUTSIDE.map(PathBuf::from).into();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A page without its blocks and code, which may hold anything.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut inside = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            let spoken: String = line.split('`').step_by(2).collect();
            found.push((index + 1, spoken));
        }
    }
    found
}

/// Where a line links to.
fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let tagged = line
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    inline
        .chain(tagged)
        .filter(|target| !target.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The anchors of a page: its headings as they are turned into addresses.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        inside ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if inside || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let heading = heading.trim().to_lowercase();
        let kept = heading.chars().filter_map(|c| match c {
            c if c.is_whitespace() => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        let anchor: String = kept.collect();
        let count = seen.entry(anchor.clone()).or_insert(0);
        found.insert(if *count == 0 {
            anchor
        } else {
            format!("{anchor}-{count}")
        });
        *count += 1;
    }
    found
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

/// What is wrong with a link of a page.
fn check(page: &Path, text: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_owned(),
        file => plain(&page.parent().unwrap_or(Path::new("")).join(file)),
    };
    if page.starts_with("docs") && !path.starts_with("docs") {
        return Some("leaves docs/: the book would not have it".to_owned());
    }
    if page.starts_with("docs") && !page.ends_with("SUMMARY.md") && path.ends_with("README.md") {
        return Some("the book has that page as index.html, and no link to it".to_owned());
    }
    if path != page && !root().join(&path).exists() {
        return Some("no such file".to_owned());
    }
    let other = (path != page).then(|| std::fs::read_to_string(root().join(&path)).unwrap_or_default());
    let headings = anchors(other.as_deref().unwrap_or(text));
    (!anchor.is_empty() && !headings.contains(anchor))
        .then(|| format!("no heading `{anchor}` in {}", path.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = std::fs::read_to_string(root().join(&page)).unwrap();
        for (line, spoken) in prose(&text) {
            for target in targets(&spoken) {
                count += 1;
                if let Some(why) = check(&page, &text, &target) {
                    wrong.push(format!("{}:{line}: {target}: {why}", page.display()));
                }
            }
        }
    }
    assert!(count > 100, "{count} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_contents_has_every_page_once() {
    let text = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut listed: Vec<PathBuf> = prose(&text)
        .iter()
        .flat_map(|(_, line)| targets(line))
        .map(|target| Path::new("docs").join(target))
        .collect();
    listed.sort();
    let there: Vec<PathBuf> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs") && !page.ends_with("SUMMARY.md"))
        .collect();
    assert_eq!(listed, there);
}

#[test]
fn dead_links_are_found() {
    let page = Path::new("docs/here.md");
    let text = "# A `b`: c\n\n## Twice\n\n## Twice\n";
    assert_eq!(check(page, text, "#a-b-c"), None);
    assert_eq!(check(page, text, "#twice-1"), None);
    assert!(check(page, text, "#twice-2").is_some());
    assert!(check(page, text, "nowhere.md").is_some());
    assert!(check(page, text, "../README.md").is_some());
    assert!(check(page, text, "README.md").is_some());
    assert!(check(page, text, "schema.md#no-such-heading").is_some());
    assert_eq!(check(page, text, "schema.md#dateformat"), None);
    assert_eq!(
        targets("a [b](c.md#d) ![e](f.svg) <img src=\"g.svg\">"),
        ["c.md#d", "f.svg", "g.svg"]
    );
    assert_eq!(
        prose("a `[b](c)` d\n```text\n[x](y)\n```\n"),
        [(1, "a  d".to_owned())]
    );
}

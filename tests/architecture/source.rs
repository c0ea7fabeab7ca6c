//! Turns a source file into the facts that the rules look at: paths it mentions, functions and their lengths,
//! string literals, and which lines are test code. Works on tokens, so that paths inside macros and attributes
//! count as well. It resolves no names beyond `crate`, `self`, `super` and the file's own `use` of `std`.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

/// One breach of one rule.
#[derive(Debug)]
pub struct Violation {
    pub path: String,
    pub line: usize,
    pub rule: &'static str,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

/// A path such as `crate::ml::Task` or `std::env::var`, in full, and where it stands.
pub struct Mention {
    pub segments: Vec<String>,
    pub line: usize,
}

impl Mention {
    /// Whether the path is `prefix` or lies inside it.
    pub fn is_in(&self, prefix: &str) -> bool {
        let mut own = self.segments.iter();
        prefix
            .split("::")
            .all(|part| own.next().is_some_and(|s| s == part))
    }
}

/// A function with a body.
pub struct Function {
    pub name: String,
    pub line: usize,
    /// Lines from `fn` to the closing brace, both included.
    pub length: usize,
    /// A free `async fn`, neither a method nor nested in one.
    pub free_async: bool,
}

/// One file and what the rules need to know about it; everything but `text` leaves test code out.
pub struct Source {
    /// With forward slashes, from the root of the repository.
    pub path: String,
    /// `["http", "rest", "problem"]` for `src/http/rest/problem.rs`; empty for `lib.rs`.
    pub module: Vec<String>,
    pub text: String,
    pub mentions: Vec<Mention>,
    pub functions: Vec<Function>,
    pub strings: Vec<(String, usize)>,
    /// The number of lines outside test items.
    pub lines: usize,
    /// The whole file is a test module declared elsewhere.
    pub is_test: bool,
    test_modules: Vec<Vec<String>>,
}

impl Source {
    /// The facts about one file.
    pub fn parse(path: &str, text: &str) -> Source {
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{path} is not made of Rust tokens: {error}"));
        let module = module_of(path);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let mut walker = Walker {
            folder,
            module: module.clone(),
            ..Walker::default()
        };
        walker.walk(&trees(tokens), false);
        walker.expand_std_aliases();
        let test_lines: usize = walker
            .test_lines
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum();
        Source {
            path: path.to_owned(),
            module,
            text: text.to_owned(),
            mentions: walker.mentions,
            functions: walker.functions,
            strings: walker.strings,
            lines: text.lines().count() - test_lines,
            is_test: false,
            test_modules: walker.test_modules,
        }
    }

    /// Whether the file belongs to the module `prefix`, written `http::rest`.
    pub fn is_in(&self, prefix: &str) -> bool {
        let mut own = self.module.iter();
        prefix
            .split("::")
            .all(|part| own.next().is_some_and(|s| s == part))
    }

    /// A violation in this file.
    pub fn violation(&self, line: usize, rule: &'static str, what: String) -> Violation {
        Violation {
            path: self.path.clone(),
            line,
            rule,
            what,
        }
    }
}

/// Every Rust file below `folder`, in the order of their names.
pub fn read_tree(root: &Path, folder: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    collect(root, folder, &mut sources);
    mark_tests(&mut sources);
    sources
}

fn collect(root: &Path, folder: &str, sources: &mut Vec<Source>) {
    let entries = std::fs::read_dir(root.join(folder)).expect("the folder can be listed");
    let mut names: Vec<(String, bool)> = entries
        .map(|entry| {
            let entry = entry.expect("the entry can be read");
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path().is_dir(),
            )
        })
        .collect();
    names.sort();
    for (name, is_folder) in names {
        let path = format!("{folder}/{name}");
        if is_folder {
            collect(root, &path, sources);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(root.join(&path)).expect("the file is readable text");
            sources.push(Source::parse(&path, &text));
        }
    }
}

/// Marks the files of modules that some other file declares under `#[cfg(test)]`.
fn mark_tests(sources: &mut [Source]) {
    let modules: Vec<Vec<String>> = sources.iter().flat_map(|s| s.test_modules.clone()).collect();
    for source in sources {
        source.is_test = modules.iter().any(|module| source.module.starts_with(module));
    }
}

fn module_of(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

fn trees(tokens: TokenStream) -> Vec<TokenTree> {
    tokens.into_iter().collect()
}

fn first_line(span: Span) -> usize {
    span.start().line
}

fn last_line(tree: &TokenTree) -> usize {
    match tree {
        TokenTree::Group(group) => group.span_close().end().line,
        other => other.span().end().line,
    }
}

fn ident(tree: Option<&TokenTree>) -> Option<String> {
    match tree {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_punct(tree: Option<&TokenTree>, character: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn group(tree: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn is_path_separator(trees: &[TokenTree], at: usize) -> bool {
    is_punct(trees.get(at), ':') && is_punct(trees.get(at + 1), ':')
}

/// The attributes standing together from `at` on: their contents and the index behind them. An inner one stands alone.
fn attributes(trees: &[TokenTree], at: usize) -> Option<(Vec<Vec<TokenTree>>, usize)> {
    if let Some(inner) = attribute(trees, at, 2).filter(|_| is_punct(trees.get(at + 1), '!')) {
        return Some((vec![inner], at + 3));
    }
    let contents: Vec<_> = (at..).step_by(2).map_while(|i| attribute(trees, i, 1)).collect();
    let behind = at + 2 * contents.len();
    (behind > at).then_some((contents, behind))
}

/// The content of the attribute whose `#` is at `at` and whose brackets come `offset` behind.
fn attribute(trees: &[TokenTree], at: usize, offset: usize) -> Option<Vec<TokenTree>> {
    if !is_punct(trees.get(at), '#') {
        return None;
    }
    group(trees.get(at + offset), Delimiter::Bracket).map(trees_of)
}

fn trees_of(group: &Group) -> Vec<TokenTree> {
    trees(group.stream())
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]` and `#[cfg(all(test, ..))]`, but neither `not(test)` nor `any(..)`.
fn marks_test(content: &[TokenTree]) -> bool {
    match ident(content.first()).as_deref() {
        Some("cfg") => {
            group(content.get(1), Delimiter::Parenthesis).is_some_and(|g| requires_test(&trees_of(g)))
        }
        Some(_) => content.len() <= 4 && ident(content.last()).as_deref() == Some("test"),
        None => false,
    }
}

fn requires_test(condition: &[TokenTree]) -> bool {
    condition.iter().enumerate().any(|(i, tree)| match tree {
        TokenTree::Ident(name) if name == "test" => true,
        TokenTree::Ident(name) if name == "all" => {
            group(condition.get(i + 1), Delimiter::Parenthesis).is_some_and(|g| requires_test(&trees_of(g)))
        }
        _ => false,
    })
}

/// The index of the first token of the item behind its visibility, if an item stands at `at`.
fn item_start(trees: &[TokenTree], mut at: usize) -> Option<usize> {
    const ITEMS: [&str; 13] = [
        "async", "const", "enum", "extern", "fn", "impl", "let", "mod", "static", "struct", "trait", "type",
        "use",
    ];
    if ident(trees.get(at)).as_deref() == Some("pub") {
        at += if group(trees.get(at + 1), Delimiter::Parenthesis).is_some() {
            2
        } else {
            1
        };
    }
    ident(trees.get(at))
        .filter(|word| ITEMS.contains(&word.as_str()))
        .map(|_| at)
}

/// The index of the `;` or of the braces that end the item whose first token is at `at`.
fn item_end(trees: &[TokenTree], at: usize) -> usize {
    (at..trees.len())
        .find(|&i| is_punct(trees.get(i), ';') || group(trees.get(i), Delimiter::Brace).is_some())
        .unwrap_or(trees.len() - 1)
}

#[derive(Default)]
struct Walker {
    /// The folder of the file.
    folder: String,
    module: Vec<String>,
    mentions: Vec<Mention>,
    functions: Vec<Function>,
    strings: Vec<(String, usize)>,
    aliases: HashMap<String, Vec<String>>,
    test_lines: Vec<(usize, usize)>,
    test_modules: Vec<Vec<String>>,
}

impl Walker {
    /// Looks at a sequence of tokens; `inside` says that it is the body of an `impl`, a trait or a function.
    fn walk(&mut self, trees: &[TokenTree], inside: bool) {
        let mut at = 0;
        let mut body_is_inside = inside;
        while at < trees.len() {
            at = if let Some((contents, behind)) = attributes(trees, at) {
                self.attributes(trees, at, &contents, behind)
            } else if let TokenTree::Ident(word) = &trees[at] {
                match word.to_string().as_str() {
                    "use" if !is_punct(trees.get(at + 1), '<') => self.import(trees, at),
                    "mod" => self.inline_module(trees, at),
                    "fn" => self.function(trees, at, inside),
                    word => {
                        body_is_inside |= matches!(word, "impl" | "trait");
                        self.path(trees, at)
                    }
                }
            } else {
                match &trees[at] {
                    TokenTree::Group(group) => {
                        let is_block = group.delimiter() == Delimiter::Brace;
                        self.walk(&trees_of(group), body_is_inside);
                        body_is_inside = if is_block { inside } else { body_is_inside };
                    }
                    TokenTree::Literal(literal) => {
                        let text = literal.to_string();
                        if text.ends_with(['"', '#']) {
                            self.strings.push((text, first_line(literal.span())));
                        }
                    }
                    TokenTree::Ident(_) | TokenTree::Punct(_) => {}
                }
                at + 1
            };
        }
    }

    /// Skips test items and documentation; looks into other attributes. Returns where to go on.
    fn attributes(
        &mut self,
        trees: &[TokenTree],
        at: usize,
        contents: &[Vec<TokenTree>],
        behind: usize,
    ) -> usize {
        let is_test = contents.iter().any(|content| marks_test(content));
        if let Some(start) = item_start(trees, behind).filter(|_| is_test) {
            let end = item_end(trees, start);
            self.test_lines
                .push((first_line(trees[at].span()), last_line(&trees[end])));
            if ident(trees.get(start)).as_deref() == Some("mod") && is_punct(trees.get(end), ';') {
                self.test_modules
                    .push(self.declared_module(contents, ident(trees.get(start + 1))));
            }
            return end + 1;
        }
        for content in contents
            .iter()
            .filter(|content| ident(content.first()).as_deref() != Some("doc"))
        {
            self.walk(content, true);
        }
        behind
    }

    /// The module of the file that `mod name;` stands for, which `#[path = "..."]` may move.
    fn declared_module(&self, contents: &[Vec<TokenTree>], name: Option<String>) -> Vec<String> {
        let moved = contents
            .iter()
            .find(|content| ident(content.first()).as_deref() == Some("path"));
        if let Some(TokenTree::Literal(file)) = moved.and_then(|content| content.get(2)) {
            return module_of(&format!("{}/{}", self.folder, file.to_string().trim_matches('"')));
        }
        self.module.iter().cloned().chain(name).collect()
    }

    fn inline_module(&mut self, trees: &[TokenTree], at: usize) -> usize {
        let (Some(name), Some(body)) = (
            ident(trees.get(at + 1)),
            group(trees.get(at + 2), Delimiter::Brace),
        ) else {
            return at + 1;
        };
        self.module.push(name);
        self.walk(&trees_of(body), false);
        self.module.pop();
        at + 3
    }

    fn function(&mut self, trees: &[TokenTree], at: usize, inside: bool) -> usize {
        let Some(name) = ident(trees.get(at + 1)) else {
            return at + 1; // the type of a function pointer
        };
        let end = item_end(trees, at);
        self.walk(&trees[at + 2..end], true);
        if let Some(body) = group(trees.get(end), Delimiter::Brace) {
            let line = first_line(trees[at].span());
            let is_async = trees[..at]
                .iter()
                .rev()
                .take(2)
                .any(|t| ident(Some(t)).as_deref() == Some("async"));
            self.functions.push(Function {
                name,
                line,
                length: last_line(&trees[end]) - line + 1,
                free_async: is_async && !inside,
            });
            self.walk(&trees_of(body), true);
        }
        end + 1
    }

    /// Notes a path of at least two segments and returns the index behind it.
    fn path(&mut self, trees: &[TokenTree], at: usize) -> usize {
        let (segments, behind) = path_segments(trees, at);
        if segments.len() > 1 {
            self.mention(&[], &segments, first_line(trees[at].span()));
        }
        behind
    }

    fn import(&mut self, trees: &[TokenTree], at: usize) -> usize {
        let end = (at..trees.len())
            .find(|&i| is_punct(trees.get(i), ';'))
            .unwrap_or(trees.len());
        self.import_tree(&trees[at + 1..end], &[]);
        end + 1
    }

    /// One tree of a `use`, or several separated by commas, below `prefix`.
    fn import_tree(&mut self, trees: &[TokenTree], prefix: &[String]) {
        for tree in trees.split(|t| is_punct(Some(t), ',')).filter(|t| !t.is_empty()) {
            let start = if is_path_separator(tree, 0) { 2 } else { 0 };
            let (mut segments, behind) = path_segments(tree, start);
            if let Some(inner) = group(tree.get(behind), Delimiter::Brace) {
                let below: Vec<String> = prefix.iter().chain(&segments).cloned().collect();
                self.import_tree(&trees_of(inner), &below);
                continue;
            }
            if is_punct(tree.get(behind), '*') {
                segments.push("*".to_owned());
            }
            let full = self.mention(prefix, &segments, first_line(tree[0].span()));
            let renamed = ident(tree.get(behind))
                .filter(|word| word == "as")
                .and(ident(tree.get(behind + 1)));
            if let Some(name) = renamed.or_else(|| full.last().cloned()) {
                self.aliases.insert(name, full);
            }
        }
    }

    /// Notes the path in full and returns it.
    fn mention(&mut self, prefix: &[String], segments: &[String], line: usize) -> Vec<String> {
        let mut full = Vec::new();
        for segment in prefix.iter().chain(segments) {
            match segment.as_str() {
                "self" if full.is_empty() => full = self.absolute(self.module.len()),
                "self" => {}
                "super" if full.is_empty() => full = self.absolute(self.module.len().saturating_sub(1)),
                "super" => {
                    full.pop();
                }
                "yosoku" if full.is_empty() => full.push("crate".to_owned()),
                other => full.push(other.to_owned()),
            }
        }
        // A path that a macro builds from its arguments may have no name of its own here.
        if !full.is_empty() {
            self.mentions.push(Mention {
                segments: full.clone(),
                line,
            });
        }
        full
    }

    fn absolute(&self, depth: usize) -> Vec<String> {
        std::iter::once("crate")
            .chain(self.module[..depth].iter().map(String::as_str))
            .map(str::to_owned)
            .collect()
    }

    /// `use std::env;` makes `env::var` mean `std::env::var`.
    fn expand_std_aliases(&mut self) {
        for mention in &mut self.mentions {
            if let Some(full) = self
                .aliases
                .get(&mention.segments[0])
                .filter(|full| full.first().is_some_and(|s| s == "std"))
            {
                mention.segments.splice(..1, full.iter().cloned());
            }
        }
    }
}

/// The identifiers joined by `::` from `at` on, and the index behind them and a trailing `::`.
fn path_segments(trees: &[TokenTree], mut at: usize) -> (Vec<String>, usize) {
    let mut segments = Vec::new();
    while let Some(name) = ident(trees.get(at)) {
        segments.push(name);
        at += 1;
        if !is_path_separator(trees, at) {
            break;
        }
        at += 2;
    }
    (segments, at)
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let source = Source::parse(
        "src/http/rest/models.rs",
        r#"//! Doc.
use std::{env as e, fs::{self, File}};
use crate::{service::{Service, limits}, domain::*};
use super::problem;
#[derive(sqlx::FromRow)]
struct Row { inner: Box<super::super::health::State> }
fn f() -> impl Into<crate::ml::Task> + use<> {
    let x = format!("{}", crate::catalog::NAME);
    e::var("X");
    ::object_store::path()
}
mod inner { use super::f; }
"#,
    );
    let found: Vec<String> = source
        .mentions
        .iter()
        .map(|m| format!("{} {}", m.line, m.segments.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "2 std::env",
            "2 std::fs",
            "2 std::fs::File",
            "3 crate::service::Service",
            "3 crate::service::limits",
            "3 crate::domain::*",
            "4 crate::http::rest::problem",
            "5 sqlx::FromRow",
            "6 crate::http::health::State",
            "7 crate::ml::Task",
            "8 crate::catalog::NAME",
            "9 std::env::var",
            "10 object_store::path",
            "12 crate::http::rest::models::f",
        ]
    );
}

#[test]
fn test_code_is_left_out() {
    let source = Source::parse(
        "src/ml/split.rs",
        "//! Doc.\nfn kept() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn gone() {}\n}\n\
         #[cfg(all(test, unix))]\nfn gone_too() {}\n#[cfg(not(test))]\nfn stays() {}\n#[cfg(test)]\nmod more;\n\
         #[path = \"split_tests.rs\"]\n#[cfg(test)]\nmod tests;\n",
    );
    let names: Vec<&str> = source.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["kept", "stays"]);
    assert!(source.mentions.is_empty());
    assert_eq!(source.lines, 16 - 5 - 2 - 2 - 3);
    let other = |path: &str| Source::parse(path, "//! Doc.\n");
    let mut all = vec![
        source,
        other("src/ml/split/more.rs"),
        other("src/ml/split_tests.rs"),
        other("src/ml/tests.rs"),
    ];
    mark_tests(&mut all);
    assert_eq!(
        all.iter().map(|s| s.is_test).collect::<Vec<_>>(),
        [false, true, true, false]
    );
}

#[test]
fn functions_are_measured_from_their_keyword_to_their_brace() {
    let source = Source::parse(
        "src/http/rest/a.rs",
        "pub async fn handler(\n    a: fn(u8) -> u8,\n) -> impl Sized\nwhere\n    u8: Copy,\n{\n    async fn inner() {}\n}\n\
         impl X {\n    async fn method(&self) {\n    }\n}\ntrait T {\n    fn declared();\n}\nfn plain() {}\n",
    );
    let found: Vec<(&str, usize, usize, bool)> = source
        .functions
        .iter()
        .map(|f| (f.name.as_str(), f.line, f.length, f.free_async))
        .collect();
    assert_eq!(
        found,
        [
            ("handler", 1, 8, true),
            ("inner", 7, 1, false),
            ("method", 10, 2, false),
            ("plain", 16, 1, false)
        ]
    );
}

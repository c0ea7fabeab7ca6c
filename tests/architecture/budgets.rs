//! How long files and functions may be. Hard limits hold for each; the median and the 90th percentile hold for the
//! tree, so that most of it stays short. Lines of test items do not count.

use crate::source::{Source, Violation};

const FILE: usize = 400;
const FUNCTION: usize = 80;
const HANDLER: usize = 25;
const FILE_MEDIAN: usize = 150;
const FILE_P90: usize = 300;
const FUNCTION_MEDIAN: usize = 12;
const FUNCTION_P90: usize = 40;

/// Where a free `async fn` answers a request.
const HANDLERS: [&str; 5] = [
    "http::rest",
    "http::aws_json",
    "http::mlflow",
    "http::sagemaker",
    "http::open_inference",
];

fn production(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !source.is_test)
}

/// The limits that every file and every function keeps.
pub fn hard(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in production(sources) {
        if source.lines > FILE {
            found.push(source.violation(
                1,
                "file length",
                format!("{} lines, at most {FILE}", source.lines),
            ));
        }
        let in_facade = HANDLERS.iter().any(|module| source.is_in(module));
        for function in &source.functions {
            let (kind, limit) = if in_facade && function.free_async {
                ("handler", HANDLER)
            } else {
                ("function", FUNCTION)
            };
            if function.length > limit {
                let what = format!(
                    "{kind} `{}` has {} lines, at most {limit}",
                    function.name, function.length
                );
                found.push(source.violation(function.line, "function length", what));
            }
        }
    }
    found
}

/// The limits that the tree keeps as a whole.
pub fn typical(sources: &[Source]) -> Vec<Violation> {
    let mut files: Vec<(usize, String)> = production(sources)
        .map(|source| (source.lines, source.path.clone()))
        .collect();
    let mut functions: Vec<(usize, String)> = production(sources)
        .flat_map(|source| {
            source
                .functions
                .iter()
                .map(|f| (f.length, format!("{}:{} {}", source.path, f.line, f.name)))
        })
        .collect();
    files.sort();
    functions.sort();
    [
        ("median file", at(&files, 50), FILE_MEDIAN, &files),
        ("90th percentile of files", at(&files, 90), FILE_P90, &files),
        ("median function", at(&functions, 50), FUNCTION_MEDIAN, &functions),
        (
            "90th percentile of functions",
            at(&functions, 90),
            FUNCTION_P90,
            &functions,
        ),
    ]
    .into_iter()
    .filter(|(_, length, limit, _)| length > limit)
    .map(|(name, length, limit, all)| {
        let longest: Vec<String> = all
            .iter()
            .rev()
            .take(10)
            .map(|(n, what)| format!("{what} ({n})"))
            .collect();
        Violation {
            path: "src".to_owned(),
            line: 0,
            rule: "typical length",
            what: format!(
                "{name} has {length} lines, at most {limit}; the longest are {}",
                longest.join(", ")
            ),
        }
    })
    .collect()
}

/// The smallest length that `percent` of all do not exceed.
fn at(sorted: &[(usize, String)], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .map_or(0, |(length, _)| *length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(head: &str, lines: usize) -> String {
        format!("{head} {{{}}}\n", "\n".repeat(lines - 1))
    }

    fn found(rule: fn(&[Source]) -> Vec<Violation>, files: &[(&str, String)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::parse(path, text))
            .collect();
        rule(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let code = |lines: usize| "const A: u8 = 1;\n".repeat(lines);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", code(200));
        assert_eq!(
            found(hard, &[("src/ml/a.rs", code(400) + &tests)]),
            Vec::<String>::new()
        );
        assert_eq!(
            found(hard, &[("src/ml/a.rs", code(401) + &tests)]),
            ["src/ml/a.rs:1: file length: 401 lines, at most 400"]
        );
    }

    #[test]
    fn a_long_function_is_found() {
        assert_eq!(
            found(hard, &[("src/ml/a.rs", function("fn f()", 80))]),
            Vec::<String>::new()
        );
        assert_eq!(
            found(hard, &[("src/ml/a.rs", format!("\n{}", function("fn f()", 81)))]),
            ["src/ml/a.rs:2: function length: function `f` has 81 lines, at most 80"]
        );
    }

    #[test]
    fn a_long_handler_is_found() {
        let long = || function("pub async fn create()", 26);
        assert_eq!(
            found(hard, &[("src/http/rest/models.rs", long())]),
            ["src/http/rest/models.rs:1: function length: handler `create` has 26 lines, at most 25"]
        );
        assert_eq!(
            found(hard, &[("src/service/models.rs", long())]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_tree_of_long_functions_is_found() {
        let files = |length: usize| -> Vec<(&'static str, String)> {
            vec![(
                "src/ml/a.rs",
                function("fn a()", length) + &function("fn b()", length) + &function("fn c()", 2),
            )]
        };
        assert_eq!(found(typical, &files(12)), Vec::<String>::new());
        assert_eq!(
            found(typical, &files(13)),
            [
                "src:0: typical length: median function has 13 lines, at most 12; the longest are src/ml/a.rs:14 b (13), \
              src/ml/a.rs:1 a (13), src/ml/a.rs:27 c (2)"
            ]
        );
    }

    #[test]
    fn a_tree_with_many_long_functions_is_found() {
        let text =
            |long: usize| function("fn a()", 2).repeat(10 - long) + &function("fn b()", 41).repeat(long);
        assert_eq!(found(typical, &[("src/ml/a.rs", text(1))]), Vec::<String>::new());
        let found = found(typical, &[("src/ml/a.rs", text(2))]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("90th percentile of functions has 41 lines, at most 40"),
            "{found:?}"
        );
    }

    #[test]
    fn a_tree_of_long_files_is_found() {
        let text = |lines: usize| "const A: u8 = 1;\n".repeat(lines);
        let found = found(typical, &[("src/ml/a.rs", text(151)), ("src/ml/b.rs", text(301))]);
        assert_eq!(
            found,
            [
                "src:0: typical length: median file has 151 lines, at most 150; the longest are src/ml/b.rs (301), \
               src/ml/a.rs (151)",
                "src:0: typical length: 90th percentile of files has 301 lines, at most 300; the longest are \
               src/ml/b.rs (301), src/ml/a.rs (151)",
            ]
        );
    }
}

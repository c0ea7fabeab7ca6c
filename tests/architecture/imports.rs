//! Who may use whom: the rules between the layers, the crates that one module owns, and what the core must not know.

use std::collections::BTreeSet;

use crate::source::{Mention, Source, Violation};

/// What a top-level module may use of the others.
enum May {
    Anything,
    Only(&'static [&'static str]),
}

/// One row for every top-level module; a module without a row is a violation, so that each new one is decided.
const LAYERS: &[(&str, May)] = &[
    ("ml", May::Only(&[])),
    ("domain", May::Only(&["ml"])),
    ("catalog", May::Only(&["domain", "clock"])),
    ("blob", May::Only(&["domain"])),
    ("source", May::Only(&["domain"])),
    (
        "service",
        May::Only(&["domain", "ml", "catalog", "blob", "source", "clock"]),
    ),
    (
        "jobs",
        May::Only(&["domain", "ml", "catalog", "blob", "source", "clock"]),
    ),
    (
        "http",
        May::Only(&[
            "service",
            "domain",
            "telemetry",
            "config",
            "shutdown",
            "clock",
            "ml",
        ]),
    ),
    ("cli", May::Anything),
    ("app", May::Anything),
    ("main", May::Anything),
    ("config", May::Only(&["domain"])),
    ("telemetry", May::Only(&["config"])),
    ("shutdown", May::Only(&[])),
    ("spill", May::Only(&["ml"])),
    ("clock", May::Only(&[])),
];

/// Doors that stay shut although the layer above them is open: from, to, why.
const SHUT: &[(&str, &str, &str)] = &[
    ("domain", "ml::learn", "domain uses plain types of ml only"),
    ("http", "ml::learn", "http uses plain types of ml only"),
    ("http::rest", "http::aws_json", "the façades meet in service only"),
    ("http::aws_json", "http::rest", "the façades meet in service only"),
];

/// What only one part of the tree may mention: paths, owner, why.
const OWNED: &[(&[&str], &[&str], &str)] = &[
    (
        &["linfa", "linfa_linear", "linfa_logistic", "ndarray"],
        &["ml::learn"],
        "one place checks shapes and judges convergence",
    ),
    (
        &["sqlx"],
        &["catalog", "source"],
        "one place speaks SQL about our tables, one asks the databases of users",
    ),
    (&["object_store"], &["blob"], "one place touches object storage"),
    (
        &["parquet"],
        &["ml::parquet"],
        "one place guards against what files claim",
    ),
    (
        &[
            "std::env::var",
            "std::env::var_os",
            "std::env::vars",
            "std::env::vars_os",
            "std::env::set_var",
            "std::env::remove_var",
        ],
        &["config"],
        "one place reads the environment",
    ),
];

/// The modules that do no IO, and what they must therefore not know.
const PURE: &[&str] = &["ml", "domain"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
    "chrono::Local",
    "chrono::Utc",
    "tokio",
    "axum",
    "tower",
    "sqlx",
    "object_store",
    "ureq",
    "tempfile",
    "getrandom",
];

fn production(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !source.is_test)
}

/// Collects violations, one per line and path.
fn each(
    sources: &[Source],
    rule: &'static str,
    judge: impl Fn(&Source, &Mention) -> Option<String>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in production(sources) {
        let mut seen = BTreeSet::new();
        for mention in &source.mentions {
            if let Some(what) =
                judge(source, mention).filter(|what| seen.insert((mention.line, what.clone())))
            {
                found.push(source.violation(mention.line, rule, what));
            }
        }
    }
    found
}

/// The import table.
pub fn layers(sources: &[Source]) -> Vec<Violation> {
    let unlisted = production(sources).filter_map(|source| {
        let layer = source.module.first()?;
        let listed = LAYERS.iter().any(|(name, _)| name == layer);
        (!listed).then(|| {
            source.violation(
                1,
                "layers",
                format!("`{layer}` has no row in the import table; add one"),
            )
        })
    });
    let mut found: Vec<Violation> = unlisted.collect();
    found.extend(each(sources, "layers", |source, mention| {
        let from = source.module.first()?;
        let to = mention
            .segments
            .get(1)
            .filter(|_| mention.segments[0] == "crate")?;
        let (_, may) = LAYERS.iter().find(|(name, _)| name == from)?;
        let is_layer = LAYERS.iter().any(|(name, _)| name == to) || to == "*";
        match may {
            May::Only(allowed) if is_layer && to != from && !allowed.contains(&to.as_str()) => Some(format!(
                "`{from}` may not use `{}`; it may use {}",
                mention.segments.join("::"),
                list(allowed)
            )),
            May::Only(_) | May::Anything => shut(source, mention),
        }
    }));
    found
}

fn shut(source: &Source, mention: &Mention) -> Option<String> {
    let (from, to, why) = SHUT
        .iter()
        .find(|(from, to, _)| source.is_in(from) && mention.is_in(&format!("crate::{to}")))?;
    Some(format!("`{from}` may not use `{to}`: {why}"))
}

fn list(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "nothing of ours".to_owned()
    } else {
        allowed.join(", ")
    }
}

/// Single owners.
pub fn owners(sources: &[Source]) -> Vec<Violation> {
    each(sources, "owners", |source, mention| {
        let (_, owners, why) = OWNED.iter().find(|(paths, owners, _)| {
            !owners.iter().any(|owner| source.is_in(owner)) && paths.iter().any(|path| mention.is_in(path))
        })?;
        let owner = owners.join("` and `");
        Some(format!(
            "only `{owner}` may mention `{}`: {why}",
            mention.segments.join("::")
        ))
    })
}

/// No IO, no clock and no randomness in the core.
pub fn purity(sources: &[Source]) -> Vec<Violation> {
    each(sources, "purity", |source, mention| {
        let module = PURE.iter().find(|module| source.is_in(module))?;
        let path = IMPURE.iter().find(|path| mention.is_in(path))?;
        Some(format!("`{module}` does no IO and must not mention `{path}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&[Source]) -> Vec<Violation>;

    fn check(rule: Rule, path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = rule(&[Source::parse(path, text)])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{path}: {text}");
    }

    #[test]
    fn an_upward_import_is_found() {
        check(
            layers,
            "src/ml/split.rs",
            "use crate::domain::Split;",
            &[
                "src/ml/split.rs:1: layers: `ml` may not use `crate::domain::Split`; it may use nothing of ours",
            ],
        );
        check(
            layers,
            "src/catalog/mod.rs",
            "fn f() {\n    vec![crate::blob::get()];\n}",
            &[
                "src/catalog/mod.rs:2: layers: `catalog` may not use `crate::blob::get`; it may use domain, clock",
            ],
        );
        check(
            layers,
            "src/http/rest/models.rs",
            "use super::super::super::catalog;\nuse crate::domain::Status;",
            &[
                "src/http/rest/models.rs:1: layers: `http` may not use `crate::catalog`; it may use service, domain, \
               telemetry, config, shutdown, clock, ml",
            ],
        );
    }

    #[test]
    fn a_glob_over_everything_is_found() {
        check(
            layers,
            "src/blob/key.rs",
            "use crate::*;",
            &["src/blob/key.rs:1: layers: `blob` may not use `crate::*`; it may use domain"],
        );
    }

    #[test]
    fn a_shut_door_is_found() {
        check(
            layers,
            "src/http/rest/models.rs",
            "use crate::ml::{Task, learn::Params};\nuse crate::http::aws_json::fault;",
            &[
                "src/http/rest/models.rs:1: layers: `http` may not use `ml::learn`: http uses plain types of ml only",
                "src/http/rest/models.rs:2: layers: `http::rest` may not use `http::aws_json`: the façades meet in \
               service only",
            ],
        );
    }

    #[test]
    fn a_module_without_a_row_is_found() {
        check(
            layers,
            "src/helpers/mod.rs",
            "",
            &["src/helpers/mod.rs:1: layers: `helpers` has no row in the import table; add one"],
        );
    }

    #[test]
    fn what_the_table_allows_passes() {
        check(
            layers,
            "src/service/models.rs",
            "use crate::{domain::Id, ml::learn::Params, clock::Clock};",
            &[],
        );
        check(
            layers,
            "src/cli/serve.rs",
            "use crate::{app::App, catalog::Catalog, http};",
            &[],
        );
        check(
            layers,
            "src/ml/learn/mod.rs",
            "use crate::ml::features;\nuse super::model;",
            &[],
        );
        check(
            layers,
            "src/ml/a.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::domain::X;\n}",
            &[],
        );
    }

    #[test]
    fn a_crate_outside_its_owner_is_found() {
        check(
            owners,
            "src/ml/predict.rs",
            "use ndarray::Array2;\nfn f(x: &linfa::Dataset<f64>) {}",
            &[
                "src/ml/predict.rs:1: owners: only `ml::learn` may mention `ndarray::Array2`: one place checks shapes \
               and judges convergence",
                "src/ml/predict.rs:2: owners: only `ml::learn` may mention `linfa::Dataset`: one place checks shapes \
               and judges convergence",
            ],
        );
        check(
            owners,
            "src/service/models.rs",
            "#[derive(sqlx::FromRow)]\nstruct Row;\nuse object_store as store;",
            &[
                "src/service/models.rs:1: owners: only `catalog` and `source` may mention `sqlx::FromRow`: one place \
               speaks SQL about our tables, one asks the databases of users",
                "src/service/models.rs:3: owners: only `blob` may mention `object_store`: one place touches object \
               storage",
            ],
        );
        check(
            owners,
            "src/cli/mod.rs",
            "use std::env;\nfn f() {\n    env::args();\n    env::var(\"HOME\");\n}",
            &[
                "src/cli/mod.rs:4: owners: only `config` may mention `std::env::var`: one place reads the environment",
            ],
        );
        check(
            owners,
            "src/ml/learn/dense.rs",
            "use linfa::traits::Fit;\nuse ndarray::Array2;",
            &[],
        );
        check(owners, "src/catalog/sqlite.rs", "use sqlx::Any;", &[]);
    }

    #[test]
    fn io_in_the_core_is_found() {
        check(
            purity,
            "src/ml/ingest.rs",
            "use std::{io::Read, fs::File};\nfn f() {\n    std::time::Instant::now();\n    tokio::spawn(g());\n}",
            &[
                "src/ml/ingest.rs:1: purity: `ml` does no IO and must not mention `std::fs`",
                "src/ml/ingest.rs:3: purity: `ml` does no IO and must not mention `std::time::Instant`",
                "src/ml/ingest.rs:4: purity: `ml` does no IO and must not mention `tokio`",
            ],
        );
        check(
            purity,
            "src/jobs/runner.rs",
            "use std::fs::File;\nuse tokio::task;",
            &[],
        );
        check(
            purity,
            "src/ml/ingest.rs",
            "use std::io::Read;\nuse std::time::Duration;",
            &[],
        );
    }
}

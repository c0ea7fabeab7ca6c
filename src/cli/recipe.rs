//! `yosoku recipe`: what a recipe means, given a schema.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::error::CliError;
use super::files::read_text;
use super::inspect::read_schema;
use super::progress::Progress;
use super::show;
use super::tables::{FileTable, Header};
use crate::ml::pipeline::explain::{TermSample, explain};
use crate::ml::recipe::ast::quoted;
use crate::ml::recipe::term::Term;
use crate::ml::recipe::{
    Recipe, RecipeError, Tree, resolve_text, term_attributes, term_expression, term_meaning,
};
use crate::ml::schema::Schema;
use crate::ml::wording::counted;

/// Commands about recipes.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check that a recipe fits a schema, and show what it becomes
    Check(CheckArgs),
    /// Show what a recipe makes of some data: features, frequent values, sample rows
    Explain(ExplainArgs),
}

/// Show what a recipe makes of some data: features, frequent values, sample rows
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Schema file (Amazon ML schema JSON)
    schema: PathBuf,
    /// Recipe file (see docs/recipes.md)
    recipe: PathBuf,
    /// CSV file, plain or compressed with gzip or zstd, or Parquet
    data: PathBuf,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Check that a recipe fits a schema, and show what it becomes
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Schema file (Amazon ML schema JSON)
    schema: PathBuf,
    /// Recipe file (see docs/recipes.md)
    recipe: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Check(args) => check(args),
        Command::Explain(args) => explain_data(args),
    }
}

fn explain_data(args: &ExplainArgs) -> Result<(), CliError> {
    let schema = read_schema(&args.schema)?;
    let (_, terms) = resolved(&args.recipe, &schema)?;
    let table = FileTable::open(&args.data, args.header)?;
    let mut progress = Progress::new(args.json, None);
    let samples = explain(&table, &schema, &terms, &mut progress)?;
    progress.finish();
    let both = || terms.iter().zip(&samples);
    if args.json {
        let outputs: Vec<_> = both()
            .map(|(term, sample)| {
                let mut output = as_json(term, &schema);
                output["sample"] = json!(sample);
                output
            })
            .collect();
        return show::print_json(&json!({ "outputs": outputs }));
    }
    let features: usize = samples.iter().map(|sample| sample.features).sum();
    let mut text = format!(
        "{}, {}\n",
        counted(terms.len() as u64, "output"),
        counted(features as u64, "feature")
    );
    both().for_each(|(term, sample)| text.push_str(&explained(term, sample, &schema)));
    show::print(&text)
}

fn explained(term: &Term, sample: &TermSample, schema: &Schema) -> String {
    let features = counted(sample.features as u64, "feature");
    let expression = plain(&term_expression(term, schema));
    let mut text = format!("\n{expression}: {}, {features}\n", term_meaning(term));
    if !sample.frequent.is_empty() {
        let counted = sample.frequent.iter();
        let shown: Vec<String> = counted
            .map(|(token, rows)| format!("{} ({rows})", listed(token)))
            .collect();
        text.push_str(&format!("  most frequent: {}\n", shown.join(", ")));
    }
    for example in &sample.examples {
        let list = |values: &[String]| {
            values
                .iter()
                .map(|value| listed(value))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let more = match example.more {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        let (from, to) = (list(&example.fields), list(&example.values));
        text.push_str(&format!("  line {}: {from} -> {to}{more}\n", example.line));
    }
    text
}

/// A value as it is listed: cut, without control characters, in quotes where it would be misread.
fn listed(value: &str) -> String {
    let mut shown: String = plain(value).chars().take(60).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    if shown.is_empty() || shown.contains([',', ' ']) {
        shown = format!("`{shown}`");
    }
    shown
}

fn check(args: &CheckArgs) -> Result<(), CliError> {
    let schema = read_schema(&args.schema)?;
    let (recipe, terms) = resolved(&args.recipe, &schema)?;
    let tree = Tree::parse(&recipe).map_err(|error| invalid(&args.recipe, &error))?;
    if args.json {
        let outputs: Vec<_> = terms.iter().map(|term| as_json(term, &schema)).collect();
        return show::print_json(&json!({"recipe": tree.recipe(), "outputs": outputs}));
    }
    show::print(&format!("{tree}\n\n{}", described(&terms, &schema)))
}

/// The recipe in a file and what it resolves to.
fn resolved(path: &Path, schema: &Schema) -> Result<(Recipe, Vec<Term>), CliError> {
    resolve_text(&read_text(path)?, schema).map_err(|error| invalid(path, &error))
}

/// Every problem on a line of its own, with line and column of the file where they are known.
fn invalid(path: &Path, error: &RecipeError) -> CliError {
    CliError::Invalid {
        code: error.code().into(),
        message: format!("`{}`: {error}", path.display()),
    }
}

fn as_json(term: &Term, schema: &Schema) -> serde_json::Value {
    json!({
        "expression": term_expression(term, schema),
        "meaning": term_meaning(term),
        "attributes": term_attributes(term, schema),
    })
}

fn described(terms: &[Term], schema: &Schema) -> String {
    let mut rows = vec![
        ["output", "what it becomes", "reads"]
            .map(str::to_string)
            .to_vec(),
    ];
    rows.extend(terms.iter().map(|term| {
        let attributes = term_attributes(term, schema).into_iter().map(quoted);
        vec![
            plain(&term_expression(term, schema)),
            term_meaning(term),
            plain(&attributes.collect::<Vec<_>>().join(", ")),
        ]
    }));
    let count = match terms.len() {
        1 => "1 output".to_string(),
        count => format!("{count} outputs"),
    };
    format!("{count}\n\n{}", show::table(&rows))
}

/// Without control characters, which a name may hold and a terminal would obey.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

//! Terms as canonical expressions and in words.

use super::ast::Expr;
use super::term::{NumberSource, Term, TextSource, Tokens};
use crate::ml::date::DatePart;
use crate::ml::schema::Schema;

/// The canonical expression of a term: resolved against the same schema it gives the term again. Serves as the
/// identity of what the term becomes. `missing(x)` alone is not part of the language.
pub fn term_expression(term: &Term, schema: &Schema) -> String {
    match term {
        Term::Number(number) => number_expression(*number, schema),
        Term::Truth { attribute } => name(*attribute, schema),
        Term::Tokens(tokens) => tokens_expression(tokens, schema),
        Term::Missing { attribute } => Expr::call("missing", vec![name(*attribute, schema)]),
    }
    .to_string()
}

/// What a term becomes, in words.
pub fn term_meaning(term: &Term) -> String {
    match term {
        Term::Number(NumberSource::Attribute(_)) => "one number, scaled to mean 0 and deviation 1".into(),
        Term::Number(NumberSource::Timestamp(_)) => {
            "one number, the days since 1970-01-01, scaled to mean 0 and deviation 1".into()
        }
        Term::Truth { .. } => "one feature that is 0 or 1".into(),
        Term::Missing { .. } => "one feature that is 1 where the value is missing or unreadable".into(),
        Term::Tokens(tokens) => format!("one feature for each {}", seen(tokens)),
    }
}

fn seen(tokens: &Tokens) -> String {
    match tokens {
        Tokens::Level { .. } => "value seen".into(),
        Tokens::Words(_) => "word seen".into(),
        Tokens::Ngrams { longest, .. } => format!("run of 1 to {longest} words seen"),
        Tokens::SparseBigrams { window: 2, .. } => "pair of neighbouring words seen".into(),
        Tokens::SparseBigrams { window, .. } => format!("pair of words seen within {window} words"),
        Tokens::Bin { bins, .. } => format!("of up to {bins} bins of equal population"),
        Tokens::Truth { .. } => "of 0 and 1".into(),
        Tokens::DatePart { part, .. } => match part {
            DatePart::Month => "month seen".into(),
            DatePart::DayOfMonth => "day of the month seen".into(),
            DatePart::DayOfWeek => "day of the week seen".into(),
            DatePart::Hour => "hour of the day seen".into(),
        },
        Tokens::Product(factors) => format!("combination seen of {} tokens", factors.len()),
    }
}

fn name(attribute: usize, schema: &Schema) -> Expr {
    // Terms come from this schema; should one not, its position still tells it from others.
    match schema.attributes.get(attribute) {
        Some(attribute) => Expr::attribute(&attribute.name),
        None => Expr::name(&attribute.to_string()),
    }
}

fn number_expression(number: NumberSource, schema: &Schema) -> Expr {
    match number {
        NumberSource::Attribute(attribute) => name(attribute, schema),
        NumberSource::Timestamp(attribute) => Expr::call("timestamp", vec![name(attribute, schema)]),
    }
}

fn text_expression(text: TextSource, schema: &Schema) -> Expr {
    let mut expression = name(text.attribute, schema);
    if text.split_punct {
        expression = Expr::call("split_punct", vec![expression]);
    }
    if text.no_punct {
        expression = Expr::call("no_punct", vec![expression]);
    }
    if text.lowercase {
        expression = Expr::call("lowercase", vec![expression]);
    }
    expression
}

fn tokens_expression(tokens: &Tokens, schema: &Schema) -> Expr {
    let with =
        |function: &str, of: Expr, parameter: u32| Expr::call(function, vec![of, Expr::integer(parameter)]);
    match tokens {
        Tokens::Level {
            attribute,
            lowercase: true,
        } => Expr::call("lowercase", vec![name(*attribute, schema)]),
        Tokens::Level { attribute, .. } | Tokens::Truth { attribute } => name(*attribute, schema),
        Tokens::Words(text) => text_expression(*text, schema),
        Tokens::Ngrams { text, longest } => with("ngram", text_expression(*text, schema), *longest),
        Tokens::SparseBigrams { text, window } => with("osb", text_expression(*text, schema), *window),
        Tokens::Bin { number, bins } => with("quantile_bin", number_expression(*number, schema), *bins),
        Tokens::DatePart { attribute, part } => Expr::call(part.as_str(), vec![name(*attribute, schema)]),
        Tokens::Product(factors) => {
            let factors = factors.iter().map(|factor| tokens_expression(factor, schema));
            Expr::call("cartesian", factors.collect())
        }
    }
}

/// The names of the attributes that a term reads, in the schema's order.
pub fn term_attributes<'a>(term: &Term, schema: &'a Schema) -> Vec<&'a str> {
    let positions = term.attributes().into_iter();
    let attributes = positions.filter_map(|position| schema.attributes.get(position));
    attributes.map(|attribute| attribute.name.as_str()).collect()
}

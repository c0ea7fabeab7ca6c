//! Functions applied to terms. Each member of a group is taken for itself.

use std::collections::HashSet;

use super::ast::{Expr, Offset};
use super::error::{counted, shown};
use super::function::Function;
use super::hint::did_you_mean;
use super::kind::bare_attribute;
use super::mend::unfit;
use super::resolve::{Distinct, Inside, MOST_TERMS, Resolver, Site, too_many};
use super::term::{NumberSource, Term, TextSource, Tokens};
use crate::ml::schema::Schema;

/// Factors that a product may have.
const MOST_FACTORS: usize = 16;

impl Resolver<'_> {
    /// The terms that a function makes of its arguments; nothing if something is wrong, which is then reported.
    pub(super) fn call(
        &mut self,
        site: Site,
        name: &str,
        arguments: &[Expr],
        at: Offset,
        inside: Inside,
    ) -> Option<Vec<Term>> {
        let Some(function) = Function::named(name) else {
            self.report(site, at, |_| unknown(name));
            return self.only_look(site, arguments, inside);
        };
        if !function.arguments().contains(&arguments.len()) {
            self.report(site, at, |_| {
                let given = counted(arguments.len(), "argument");
                format!("{name} takes {}; here it has {given}", function.takes())
            });
            return self.only_look(site, arguments, inside);
        }
        match (function, arguments) {
            (Function::Group, members) => self.group(site, members, inside),
            (Function::GroupRemove, [group, gone @ ..]) => self.group_remove(site, group, gone, inside),
            (Function::Cartesian, factors) => self.cartesian(site, factors, at, inside),
            (_, [of]) => self.each(site, function, 0, of, inside),
            (_, [of, parameter]) => {
                let Some(value) = in_range(function, parameter) else {
                    self.report(site, parameter.at(), |_| {
                        // As it is written: to print it would put quotes around a `-5`.
                        let given = match parameter {
                            Expr::Name(word, at) if !site.entry.is_quote(*at) => shown(word),
                            other => shown(&other.to_string()),
                        };
                        format!("{name} takes {}; `{given}` is given", function.takes())
                    });
                    return self.only_look(site, &arguments[..1], inside);
                };
                self.each(site, function, value, of, inside)
            }
            _ => None,
        }
    }

    /// Looks for problems in the arguments of a call that is wrong already.
    fn only_look(&mut self, site: Site, arguments: &[Expr], inside: Inside) -> Option<Vec<Term>> {
        for argument in arguments {
            if !matches!(argument, Expr::Integer(..)) {
                self.expression(site, argument, inside);
            }
        }
        None
    }

    fn group(&mut self, site: Site, members: &[Expr], inside: Inside) -> Option<Vec<Term>> {
        let inside = Inside {
            group: true,
            ..inside
        };
        let mut distinct = Distinct::default();
        let mut sound = true;
        for member in members {
            let terms = self.expression(site, member, inside);
            sound &= terms.is_some();
            if distinct.add(terms.unwrap_or_default()).is_none() {
                self.report(site, member.at(), |_| too_many());
                return None;
            }
        }
        sound.then_some(distinct.terms)
    }

    fn group_remove(&mut self, site: Site, group: &Expr, gone: &[Expr], inside: Inside) -> Option<Vec<Term>> {
        let terms = self.expression(site, group, inside);
        let inside = Inside {
            removal: true,
            ..inside
        };
        let mut removed: HashSet<Term> = HashSet::new();
        let mut sound = true;
        for member in gone {
            let members = self.expression(site, member, inside);
            sound &= members.is_some();
            removed.extend(members.unwrap_or_default());
        }
        let mut terms = terms.filter(|_| sound)?;
        terms.retain(|term| !removed.contains(term));
        Some(terms)
    }

    fn each(
        &mut self,
        site: Site,
        function: Function,
        parameter: u32,
        of: &Expr,
        inside: Inside,
    ) -> Option<Vec<Term>> {
        let terms = self.expression(site, of, inside)?;
        let schema = self.scope.schema;
        self.all_fit(site, function, of, &terms, |term| {
            applied(function, parameter, term, schema)
        })
    }

    /// What `make` makes of all terms of an argument; a problem if it can make nothing of some.
    fn all_fit<T>(
        &mut self,
        site: Site,
        function: Function,
        argument: &Expr,
        terms: &[Term],
        make: impl Fn(&Term) -> Option<T>,
    ) -> Option<Vec<T>> {
        let made: Vec<T> = terms.iter().filter_map(&make).collect();
        if made.len() == terms.len() {
            return Some(made);
        }
        let others = terms.len() - made.len() - 1;
        let first = terms.iter().find(|term| make(term).is_none())?;
        self.report(site, argument.at(), |scope| {
            unfit(function, first, others, argument, scope.schema)
        });
        None
    }

    fn cartesian(&mut self, site: Site, arguments: &[Expr], at: Offset, inside: Inside) -> Option<Vec<Term>> {
        let mut choices: Vec<Vec<Vec<Tokens>>> = Vec::new();
        for argument in arguments {
            let terms = self.expression(site, argument, inside);
            let fit =
                terms.and_then(|terms| self.all_fit(site, Function::Cartesian, argument, &terms, factors));
            choices.extend(fit);
        }
        if choices.len() < arguments.len() {
            return None;
        }
        let fewest = choices
            .iter()
            .map(|choice| choice.iter().map(Vec::len).min().unwrap_or(1));
        if fewest.sum::<usize>() < 2 {
            self.report(site, at, |_| {
                format!("cartesian takes {}; here it has one", Function::Cartesian.takes())
            });
            return None;
        }
        if let Some(message) = too_large(&choices) {
            self.report(site, at, |_| message);
            return None;
        }
        Some(combinations(&choices))
    }
}

fn unknown(name: &str) -> String {
    let known = Function::ALL.into_iter().map(Function::as_str);
    let hint = did_you_mean(name, known.clone()).unwrap_or_else(|| {
        let known: Vec<&str> = known.collect();
        format!("; the functions are {}", known.join(", "))
    });
    format!("unknown function `{}`{hint}", shown(name))
}

fn in_range(function: Function, parameter: &Expr) -> Option<u32> {
    match parameter {
        Expr::Integer(value, _) => function.parameter()?.contains(value).then_some(*value),
        _ => None,
    }
}

/// What a function of one thing makes of it; nothing if it cannot take it.
fn applied(function: Function, parameter: u32, term: &Term, schema: &Schema) -> Option<Term> {
    let date =
        || bare_attribute(term, schema).filter(|&index| schema.attributes[index].date_format.is_some());
    let tokens = |tokens: Tokens| Some(Term::Tokens(tokens));
    match (function, term) {
        (Function::Ngram, Term::Tokens(Tokens::Words(text))) => tokens(Tokens::Ngrams {
            text: *text,
            longest: parameter,
        }),
        (Function::Osb, Term::Tokens(Tokens::Words(text))) => tokens(Tokens::SparseBigrams {
            text: *text,
            window: parameter,
        }),
        (Function::NoPunct, Term::Tokens(Tokens::Words(text))) => tokens(Tokens::Words(TextSource {
            no_punct: true,
            ..*text
        })),
        (Function::SplitPunct, Term::Tokens(Tokens::Words(text))) => tokens(Tokens::Words(TextSource {
            split_punct: true,
            ..*text
        })),
        (Function::Lowercase, Term::Tokens(of)) => tokens(lowercase(of)?),
        (Function::Normalize, Term::Number(_)) => Some(term.clone()),
        (Function::QuantileBin, Term::Number(number)) => tokens(Tokens::Bin {
            number: *number,
            bins: parameter,
        }),
        (Function::Part(part), _) => tokens(Tokens::DatePart {
            attribute: date()?,
            part,
        }),
        (Function::Timestamp, _) => Some(Term::Number(NumberSource::Timestamp(date()?))),
        _ => None,
    }
}

fn lowercase(of: &Tokens) -> Option<Tokens> {
    match of {
        Tokens::Words(text) => Some(Tokens::Words(TextSource {
            lowercase: true,
            ..*text
        })),
        Tokens::Level { attribute, .. } => Some(Tokens::Level {
            attribute: *attribute,
            lowercase: true,
        }),
        // Names of bins and parts of dates have no capital letters.
        Tokens::Bin { .. } | Tokens::DatePart { .. } => Some(of.clone()),
        Tokens::Ngrams { .. } | Tokens::SparseBigrams { .. } | Tokens::Truth { .. } | Tokens::Product(_) => {
            None
        }
    }
}

/// A term as factors of a product; nothing for a number, which has no tokens.
fn factors(term: &Term) -> Option<Vec<Tokens>> {
    match term {
        Term::Tokens(Tokens::Product(factors)) => Some(factors.clone()),
        Term::Tokens(tokens) => Some(vec![tokens.clone()]),
        Term::Truth { attribute } => Some(vec![Tokens::Truth {
            attribute: *attribute,
        }]),
        Term::Number(_) | Term::Missing { .. } => None,
    }
}

/// Why a product cannot be made, if it would be too large.
fn too_large(choices: &[Vec<Vec<Tokens>>]) -> Option<String> {
    let most = choices
        .iter()
        .map(|choice| choice.iter().map(Vec::len).max().unwrap_or(0));
    let factors: usize = most.sum();
    if factors > MOST_FACTORS {
        return Some(format!(
            "this product has {factors} factors, {MOST_FACTORS} are allowed; use fewer"
        ));
    }
    let count = choices
        .iter()
        .try_fold(1_usize, |count, choice| count.checked_mul(choice.len()));
    match count {
        Some(count) if count <= MOST_TERMS => None,
        Some(count) => Some(format!(
            "this makes {count} combinations of members, {MOST_TERMS} are allowed; use smaller groups"
        )),
        None => Some(format!(
            "this makes far more than the {MOST_TERMS} combinations of members allowed; use smaller groups"
        )),
    }
}

/// One product for each combination of one choice of every argument; the last argument changes fastest.
fn combinations(choices: &[Vec<Vec<Tokens>>]) -> Vec<Term> {
    let mut made: Vec<Vec<Tokens>> = vec![Vec::new()];
    for choice in choices {
        let extended = made.iter().flat_map(|head| {
            choice.iter().map(|tail| {
                let mut product = head.clone();
                product.extend_from_slice(tail);
                product
            })
        });
        made = extended.collect();
    }
    made.into_iter()
        .map(|factors| Term::Tokens(Tokens::Product(factors)))
        .collect()
}

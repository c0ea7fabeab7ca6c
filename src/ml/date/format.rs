//! The formats of dates: a part of chrono's `strftime` language in which a text has one meaning at most.

use super::Moment;
use super::read::{self, Unit};

/// Bytes of the longest format.
const LONGEST: usize = 64;

/// The name of the format of whole seconds since 1970.
const EPOCH_SECONDS: &str = "epoch_seconds";
/// The name of the format of whole milliseconds since 1970.
const EPOCH_MILLISECONDS: &str = "epoch_milliseconds";

/// How the dates of a column are written, checked and ready to read.
///
/// Usable are `%Y %y %m %d %b %B %a %A`, `%H %M %S %.f %3f %6f %9f`, `%I` with `%p`, `%z %:z %#z`, the short
/// forms `%F %T %R %D`, `%%`, and text without digits between them. Year, month and day are required. `%b` is
/// `Jan`, `%B` is `January` or `Jan`; `%#z` is `Z`, `+02`, `+0200` or `+02:00`; `%.f` is a fraction after
/// the seconds, or nothing. Numbers may lack their leading zero, but not the year, minutes and seconds, nor
/// any that touch (`%Y%m%d`). `epoch_seconds` and `epoch_milliseconds` are numbers since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    text: String,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Written(Vec<Item>),
    Epoch(Unit),
}

/// One piece of a written date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Literal(Box<str>),
    /// Four digits.
    Year,
    /// Two digits.
    ShortYear,
    Month(Least),
    Day(Least),
    Hour(Least),
    Hour12(Least),
    Minute,
    Second,
    /// A point and digits, or nothing.
    Fraction,
    /// So many digits of a fraction.
    FractionDigits(usize),
    MonthName {
        long: bool,
    },
    Weekday {
        long: bool,
    },
    HalfDay,
    Offset {
        zulu: bool,
        short: bool,
    },
}

/// The fewest digits of a number that has two at most.
pub(super) type Least = usize;

/// Why a text is no usable date format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DateFormatError {
    /// Nothing, or too much.
    #[error("it must have 1 to {LONGEST} bytes; write it like `%Y-%m-%d`")]
    Length,
    /// A field that does not exist, or that does not tell one moment.
    #[error(
        "it uses `{0}`, which cannot be read here; use %Y %y %m %d %b %B %a %A %H %I %p %M %S %.f %z %:z %#z, or the name epoch_seconds or epoch_milliseconds"
    )]
    Field(String),
    /// Two fields for the same thing.
    #[error("it names the {0} twice; keep one")]
    Twice(&'static str),
    /// A field is missing.
    #[error("it lacks the {0}; write it like `%Y-%m-%d` or `%Y-%m-%d %H:%M:%S`")]
    Lacks(&'static str),
    /// A digit that is no field.
    #[error("it has the digit `{0}` outside of a field; only fields may stand for digits")]
    Digit(char),
}

impl DateFormat {
    /// Checks and compiles a format.
    pub fn new(text: &str) -> Result<Self, DateFormatError> {
        let rule = match text {
            EPOCH_SECONDS => Rule::Epoch(Unit::Seconds),
            EPOCH_MILLISECONDS => Rule::Epoch(Unit::Milliseconds),
            _ => Rule::Written(compile(text)?),
        };
        Ok(Self {
            text: text.to_string(),
            rule,
        })
    }

    /// The moment a field means, white space around it ignored; `None` when it is not written in this
    /// format, there is no such day, or it is not in the years 1 to 9999.
    pub fn parse(&self, text: &str) -> Option<Moment> {
        let text = text.trim().as_bytes();
        match &self.rule {
            Rule::Written(items) => read::written(items, text),
            Rule::Epoch(unit) => read::epoch(*unit, text),
        }
    }

    /// The format as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for numbers since 1970, which also make sense as numbers.
    pub fn is_epoch(&self) -> bool {
        matches!(self.rule, Rule::Epoch(_))
    }

    /// True when the format tells the time of day.
    pub fn has_time(&self) -> bool {
        match &self.rule {
            Rule::Epoch(_) => true,
            Rule::Written(items) => items
                .iter()
                .any(|item| matches!(item, Item::Hour(_) | Item::Hour12(_))),
        }
    }
}

fn compile(text: &str) -> Result<Vec<Item>, DateFormatError> {
    if text.is_empty() || text.len() > LONGEST {
        return Err(DateFormatError::Length);
    }
    let mut items = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => {
                let (name, fields) = field(rest.as_str())?;
                rest = rest.as_str()[name.len()..].chars();
                if name == "%" {
                    literal.push('%');
                    continue;
                }
                flush(&mut literal, &mut items);
                items.extend(fields);
            }
            '0'..='9' => return Err(DateFormatError::Digit(c)),
            _ => literal.push(c),
        }
    }
    flush(&mut literal, &mut items);
    check(&items)?;
    fix_touching(&mut items);
    Ok(items)
}

fn flush(literal: &mut String, items: &mut Vec<Item>) {
    if !literal.is_empty() {
        items.push(Item::Literal(std::mem::take(literal).into()));
    }
}

/// The name of the field at the beginning of `text`, which follows a `%`, and what it stands for.
fn field(text: &str) -> Result<(&str, Vec<Item>), DateFormatError> {
    const NAMES: [&str; 30] = [
        "Y", "y", "m", "-m", "d", "-d", "b", "h", "B", "a", "A", "H", "-H", "I", "-I", "p", "P", "M", "S",
        ".f", "3f", "6f", "9f", "z", ":z", "#z", "F", "T", "R", "D",
    ];
    let unknown = || {
        let shown = 1 + usize::from(text.starts_with(['-', '_', '0', '.', ':', '#', '3', '6', '9']));
        DateFormatError::Field(format!("%{}", text.chars().take(shown).collect::<String>()))
    };
    if text.starts_with('%') {
        return Ok(("%", Vec::new()));
    }
    let name = *NAMES
        .iter()
        .find(|name| text.starts_with(**name))
        .ok_or_else(unknown)?;
    let single = |item: Item| vec![item];
    let between = |items: [Item; 3], with: &str| {
        let [a, b, c] = items;
        vec![a, Item::Literal(with.into()), b, Item::Literal(with.into()), c]
    };
    let items = match name {
        "Y" => single(Item::Year),
        "y" => single(Item::ShortYear),
        "m" | "-m" => single(Item::Month(1)),
        "d" | "-d" => single(Item::Day(1)),
        "b" | "h" => single(Item::MonthName { long: false }),
        "B" => single(Item::MonthName { long: true }),
        "a" => single(Item::Weekday { long: false }),
        "A" => single(Item::Weekday { long: true }),
        "H" | "-H" => single(Item::Hour(1)),
        "I" | "-I" => single(Item::Hour12(1)),
        "p" | "P" => single(Item::HalfDay),
        "M" => single(Item::Minute),
        "S" => single(Item::Second),
        ".f" => single(Item::Fraction),
        "3f" => single(Item::FractionDigits(3)),
        "6f" => single(Item::FractionDigits(6)),
        "9f" => single(Item::FractionDigits(9)),
        "z" | ":z" => single(Item::Offset {
            zulu: false,
            short: false,
        }),
        "#z" => single(Item::Offset {
            zulu: true,
            short: true,
        }),
        "F" => between([Item::Year, Item::Month(1), Item::Day(1)], "-"),
        "D" => between([Item::Month(1), Item::Day(1), Item::ShortYear], "/"),
        "T" => between([Item::Hour(1), Item::Minute, Item::Second], ":"),
        "R" => vec![Item::Hour(1), Item::Literal(":".into()), Item::Minute],
        _ => return Err(unknown()),
    };
    Ok((name, items))
}

/// Every field once at most, and those that a moment needs.
fn check(items: &[Item]) -> Result<(), DateFormatError> {
    let mut seen: Vec<&'static str> = Vec::new();
    for role in items.iter().filter_map(role) {
        if seen.contains(&role) {
            return Err(DateFormatError::Twice(role));
        }
        seen.push(role);
    }
    let needs = |what: &'static str, because: Option<&'static str>| {
        if because.is_none_or(|because| seen.contains(&because)) && !seen.contains(&what) {
            return Err(DateFormatError::Lacks(what));
        }
        Ok(())
    };
    let has_half = items.contains(&Item::HalfDay);
    let has_hour12 = items.iter().any(|item| matches!(item, Item::Hour12(_)));
    needs("year", None)?;
    needs("month", None)?;
    needs("day", None)?;
    needs("minute", Some("second"))?;
    needs("second", Some("fraction"))?;
    needs("hour", Some("minute"))?;
    needs("hour", Some("offset"))?;
    match (has_hour12, has_half) {
        (true, false) => Err(DateFormatError::Lacks("half of the day (%p) that %I needs")),
        (false, true) => Err(DateFormatError::Lacks("hour of 1 to 12 (%I) that %p needs")),
        _ => Ok(()),
    }
}

fn role(item: &Item) -> Option<&'static str> {
    Some(match item {
        Item::Literal(_) => return None,
        Item::Year | Item::ShortYear => "year",
        Item::Month(_) | Item::MonthName { .. } => "month",
        Item::Day(_) => "day",
        Item::Weekday { .. } => "day of the week",
        Item::Hour(_) | Item::Hour12(_) => "hour",
        Item::HalfDay => "half of the day",
        Item::Minute => "minute",
        Item::Second => "second",
        Item::Fraction | Item::FractionDigits(_) => "fraction",
        Item::Offset { .. } => "offset",
    })
}

/// Numbers that touch have all their digits, or one could not tell them apart.
fn fix_touching(items: &mut [Item]) {
    let is_number: Vec<bool> = items.iter().map(is_number).collect();
    for (index, item) in items.iter_mut().enumerate() {
        let touches = (index > 0 && is_number[index - 1]) || is_number.get(index + 1) == Some(&true);
        if let (true, Item::Month(least) | Item::Day(least) | Item::Hour(least) | Item::Hour12(least)) =
            (touches, item)
        {
            *least = 2;
        }
    }
}

fn is_number(item: &Item) -> bool {
    matches!(
        item,
        Item::Year
            | Item::ShortYear
            | Item::Month(_)
            | Item::Day(_)
            | Item::Hour(_)
            | Item::Hour12(_)
            | Item::Minute
            | Item::Second
            | Item::FractionDigits(_)
    )
}

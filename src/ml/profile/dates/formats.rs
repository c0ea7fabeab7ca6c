//! The formats of dates that are looked for.
//!
//! A format is a way to write the day followed by a way to write the time of day. A set of formats is a bit
//! for each way to write the day, and from bit 32 on one for each way to write the time.

/// Which of day, month and year comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Year,
    Day,
    Month,
}

/// Ways to write the day, the narrower before the wider. The first 18 are in threes: with `-`, `/`, `.`.
pub(super) const DATES: [(&str, Order); 31] = [
    ("%Y-%m-%d", Order::Year),
    ("%Y/%m/%d", Order::Year),
    ("%Y.%m.%d", Order::Year),
    ("%d-%m-%Y", Order::Day),
    ("%d/%m/%Y", Order::Day),
    ("%d.%m.%Y", Order::Day),
    ("%m-%d-%Y", Order::Month),
    ("%m/%d/%Y", Order::Month),
    // Nobody writes it so; it would make every `05.01.2024` ambiguous, so it is never found.
    ("%m.%d.%Y", Order::Month),
    ("%d-%m-%y", Order::Day),
    ("%d/%m/%y", Order::Day),
    ("%d.%m.%y", Order::Day),
    ("%m-%d-%y", Order::Month),
    ("%m/%d/%y", Order::Month),
    ("%m.%d.%y", Order::Month),
    ("%y-%m-%d", Order::Year),
    ("%y/%m/%d", Order::Year),
    ("%y.%m.%d", Order::Year),
    ("%Y%m%d", Order::Year),
    ("epoch_seconds", Order::Year),
    ("epoch_milliseconds", Order::Year),
    ("%d %b %Y", Order::Day),
    ("%d %B %Y", Order::Day),
    ("%b %d, %Y", Order::Month),
    ("%B %d, %Y", Order::Month),
    ("%b %d %Y", Order::Month),
    ("%B %d %Y", Order::Month),
    ("%d-%b-%Y", Order::Day),
    ("%d-%b-%y", Order::Day),
    ("%d%b%Y", Order::Day),
    ("%a, %d %b %Y", Order::Day),
];

pub(super) const YEAR_FIRST: usize = 0;
pub(super) const DAY_FIRST: usize = 3;
pub(super) const MONTH_FIRST: usize = 6;
pub(super) const SHORT_DAY_FIRST: usize = 9;
pub(super) const SHORT_MONTH_FIRST: usize = 12;
pub(super) const SHORT_YEAR_FIRST: usize = 15;
pub(super) const COMPACT: usize = 18;
pub(super) const EPOCH_SECONDS: usize = 19;
pub(super) const EPOCH_MILLISECONDS: usize = 20;
pub(super) const DAY_NAME_YEAR: usize = 21;
pub(super) const NAME_DAY_COMMA_YEAR: usize = 23;
pub(super) const NAME_DAY_YEAR: usize = 25;
pub(super) const DASHED_NAME: usize = 27;
pub(super) const DASHED_NAME_SHORT_YEAR: usize = 28;
pub(super) const TOUCHING_NAME: usize = 29;
pub(super) const WEEKDAY_FIRST: usize = 30;

/// The places in [`DATES`] of numbers that are dates only under a name that says so.
pub(super) const COMPACT_FORMAT: u32 = 1 << COMPACT;
/// The same for numbers since 1970.
pub(super) const EPOCH_FORMATS: u32 = 1 << EPOCH_SECONDS | 1 << EPOCH_MILLISECONDS;
/// The same for years of two digits between numbers.
pub(super) const SHORT_YEAR_FORMATS: u32 = 0x1ff << SHORT_DAY_FIRST;
/// Those of them with points.
pub(super) const DOTTED_SHORT_YEAR_FORMATS: u32 = 0b1_0010_0100 << SHORT_DAY_FIRST;

/// Ways to write the time of day after the day, the narrower before the wider.
pub(super) const TIMES: [&str; 19] = [
    "",
    "T%H:%M",
    "T%H:%M:%S",
    "T%H:%M:%S%.f",
    "T%H:%M%#z",
    "T%H:%M:%S%#z",
    "T%H:%M:%S%.f%#z",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S%.f",
    " %H:%M%#z",
    " %H:%M:%S%#z",
    " %H:%M:%S%.f%#z",
    " %H:%M:%S %#z",
    " %H:%M:%S%.f %#z",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %H:%M:%S UTC",
    " %H:%M:%S%.f UTC",
];

pub(super) const AFTER_T: usize = 1;
pub(super) const AFTER_SPACE: usize = 7;
pub(super) const SPACED_OFFSET: usize = 13;
pub(super) const HALF_DAYS: usize = 15;
pub(super) const UTC: usize = 17;

/// One format: places in [`DATES`] and [`TIMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) date: usize,
    pub(super) time: usize,
}

impl Format {
    /// The bits that a set has when it has this format.
    pub(super) fn members(self) -> u64 {
        1 << self.date | 1 << (32 + self.time)
    }

    pub(super) fn order(self) -> Order {
        DATES[self.date].1
    }

    /// As a schema writes it.
    pub(super) fn text(self) -> String {
        format!("{}{}", DATES[self.date].0, TIMES[self.time])
    }
}

/// The format that a schema writes so.
pub(super) fn find(text: &str) -> Option<Format> {
    (0..DATES.len()).find_map(|date| {
        let rest = text.strip_prefix(DATES[date].0)?;
        let time = TIMES.iter().position(|time| *time == rest)?;
        Some(Format { date, time })
    })
}

/// The places in [`DATES`] of an order.
pub(super) const fn of_order(order: Order) -> u32 {
    let mut found = 0;
    let mut place = 0;
    while place < DATES.len() {
        if DATES[place].1 as usize == order as usize {
            found |= 1 << place;
        }
        place += 1;
    }
    found
}

/// Places in [`DATES`] that differ from `date` only in the order of the numbers.
pub(super) fn rivals(date: usize) -> impl Iterator<Item = usize> {
    let group = match date {
        DAY_FIRST..SHORT_DAY_FIRST => DAY_FIRST..SHORT_DAY_FIRST,
        SHORT_DAY_FIRST..COMPACT => SHORT_DAY_FIRST..COMPACT,
        _ => 0..0,
    };
    let never = [MONTH_FIRST + 2, SHORT_MONTH_FIRST + 2];
    group.filter(move |other| *other != date && other.abs_diff(date) % 3 == 0 && !never.contains(other))
}

//! What is seen as a date is read the same by its format; parts say the same as the whole.

use proptest::prelude::*;

use super::formats::{DATES, Format, TIMES};
use super::*;
use crate::ml::profile::duplicates::identifier_like;
use crate::ml::record::Record;

const ANY: Allowed = Allowed {
    days: true,
    epochs: true,
};
const NONE: Allowed = Allowed {
    days: false,
    epochs: false,
};

fn profile(values: &[&str]) -> DateProfile {
    let mut profile = DateProfile::default();
    for (index, value) in values.iter().enumerate() {
        profile.add_many(index as u64 + 2, value, 1);
    }
    profile
}

/// The format decided on, or what was found in its place.
fn judged(values: &[&str], allowed: Allowed) -> String {
    match profile(values).judge(0, allowed) {
        Verdict::Other => "other".into(),
        Verdict::Date { format, .. } => format,
        Verdict::Unlikely { format, .. } => format!("unlikely {format}"),
        Verdict::Ambiguous { formats, .. } => formats.join(" or "),
        Verdict::Mixed { .. } => "mixed".into(),
        Verdict::Nearly { formats, .. } => format!("nearly {}", formats.join(" or ")),
    }
}

#[test]
fn every_way_to_write_a_date_is_found() {
    for (values, expected) in [
        (&["2024-01-31", "2024-2-1"][..], "%Y-%m-%d"),
        (&["2024/01/31"], "%Y/%m/%d"),
        (&["2024.01.31"], "%Y.%m.%d"),
        (&["05.01.2024", "1.2.2024"], "%d.%m.%Y"),
        (&["05/01/2024", "13/01/2024"], "%d/%m/%Y"),
        (&["05/01/2024", "1/13/2024"], "%m/%d/%Y"),
        (&["05-01-2024", "13-01-2024"], "%d-%m-%Y"),
        (&["05/01/2024", "05/02/2024"], "%d/%m/%Y or %m/%d/%Y"),
        (&["05/01/2024", "13/01/2024", "01/13/2024"], "mixed"),
        (&["05 Jan 2024", "1 May 2024"], "%d %b %Y"),
        (&["05 January 2024", "1 May 2024"], "%d %B %Y"),
        (&["1 May 2024"], "%d %b %Y"),
        (&["05 January 2024", "1 Jun 2024"], "%d %B %Y"),
        (&["Jan 5, 2024"], "%b %d, %Y"),
        (&["January 5, 2024", "May 6, 2024"], "%B %d, %Y"),
        (&["Jan 5 2024"], "%b %d %Y"),
        (&["05-JAN-2024"], "%d-%b-%Y"),
        (&["05-JAN-24"], "%d-%b-%y"),
        (&["05JAN2024"], "%d%b%Y"),
        (&["Fri, 05 Jan 2024 10:20:30 +0200"], "%a, %d %b %Y %H:%M:%S %#z"),
        (&["Mon, 05 Jan 2024"], "other"),
        (&["2024-01-31T10:20"], "%Y-%m-%dT%H:%M"),
        (&["2024-01-31T10:20:30"], "%Y-%m-%dT%H:%M:%S"),
        (
            &["2024-01-31T10:20:30", "2024-01-31T10:20:30.25"],
            "%Y-%m-%dT%H:%M:%S%.f",
        ),
        (&["2024-01-31T10:20Z"], "%Y-%m-%dT%H:%M%#z"),
        (
            &["2024-01-31T10:20:30Z", "2024-01-31T10:20:30+02:00"],
            "%Y-%m-%dT%H:%M:%S%#z",
        ),
        (&["2024-01-31T10:20:30.123456-0500"], "%Y-%m-%dT%H:%M:%S%.f%#z"),
        (&["2024-01-31 10:20:30+02"], "%Y-%m-%d %H:%M:%S%#z"),
        (&["2024-01-31 10:20:30 +0200"], "%Y-%m-%d %H:%M:%S %#z"),
        (
            &["2024-01-31 10:20:30.5 UTC", "2024-01-31 10:20:30 UTC"],
            "%Y-%m-%d %H:%M:%S%.f UTC",
        ),
        (&["1/31/2024 3:05 PM"], "%m/%d/%Y %I:%M %p"),
        (&["1/31/2024 3:05:06 am"], "%m/%d/%Y %I:%M:%S %p"),
        (&["31.01.2024 09:05"], "%d.%m.%Y %H:%M"),
        (&["2024-01-31T10:20:30", "2024-01-31T10:20:30Z"], "mixed"),
        (&["2024-01-31T10:20:30", "2024-01-31T10:20"], "mixed"),
        (&["2024-01-31", "31.01.2024"], "mixed"),
        (&["2023-02-29"], "other"),
        (&["2024-01-31 24:00"], "other"),
        (&["0000-01-01"], "other"),
        (&["2024-01-31", "hello"], "other"),
        (&["2024-13-31"], "other"),
        (&["31.31.2024"], "other"),
        (
            &[
                "2024-01-31x",
                "2024-01/31",
                "1.2.34",
                "555-55-5555",
                "2024-01-31 3",
            ],
            "other",
        ),
    ] {
        assert_eq!(judged(values, NONE), expected, "{values:?}");
    }
}

#[test]
fn numbers_and_short_years_are_proposed_only_where_the_name_says_so() {
    for (values, expected, otherwise) in [
        (&["20240131", "19991231"][..], "%Y%m%d", "other"),
        (&["1700000000", "1600000000"], "epoch_seconds", "other"),
        (&["1700000000.25", "1600000000"], "epoch_seconds", "other"),
        (&["1700000000123"], "epoch_milliseconds", "other"),
        (
            &["31/01/24", "01/02/24"],
            "%y/%m/%d or %d/%m/%y",
            "%y/%m/%d or %d/%m/%y",
        ),
        (&["31/01/99", "01/02/24"], "%d/%m/%y", "unlikely %d/%m/%y"),
        (&["12/31/24", "01/02/24"], "%m/%d/%y", "unlikely %m/%d/%y"),
        (&["12/31/24 10:20"], "%m/%d/%y %H:%M", "unlikely %m/%d/%y %H:%M"),
        (&["99-12-31", "01-02-24"], "%y-%m-%d", "unlikely %y-%m-%d"),
        (&["31.12.99", "01.02.24"], "%d.%m.%y", "other"),
        (&["12/31/24", "01/02/2024"], "mixed", "mixed"),
        (&["12/31/24", "45/67/89"], "other", "other"),
    ] {
        assert_eq!(judged(values, ANY), expected, "{values:?}");
        assert_eq!(judged(values, NONE), otherwise, "{values:?}");
    }
    for values in [
        ["20241301"],
        ["18991231"],
        ["99999999"],
        ["631151999"],
        ["9999999999"],
        ["1700000000123456"],
    ] {
        assert_eq!(judged(&values, ANY), "other", "{values:?}");
    }
}

#[test]
fn a_few_other_values_are_named() {
    let mut values = vec!["2024-01-31"; 57];
    values.extend(["soon", "n/a", "2024-02-30"]);
    let found = |words: u64| profile(&values).judge(words, NONE);
    let nearly = |of: u64| Verdict::Nearly {
        formats: vec!["%Y-%m-%d".into()],
        count: 57,
        of,
        first: (59, "soon".into()),
    };
    // The missing word counts against the dates unless it is known to mean nothing.
    assert_eq!(found(1), nearly(59));
    assert_eq!(found(0), nearly(60));
    values.push("never");
    assert_eq!(profile(&values).judge(0, NONE), Verdict::Other);
    assert_eq!(
        profile(&["NA", "2024-01-31"]).judge(1, NONE),
        Verdict::Date {
            format: "%Y-%m-%d".into(),
            example: "2024-01-31".into(),
            settled_by: None
        }
    );
    assert_eq!(profile(&["NA", "NA"]).judge(2, NONE), Verdict::Other);
}

#[test]
fn the_first_value_that_settles_the_order_is_told() {
    let Verdict::Date { settled_by, .. } =
        profile(&["01/02/2024", "01/31/2024", "01/30/2024"]).judge(0, NONE)
    else {
        panic!()
    };
    assert_eq!(settled_by, Some((3, "01/31/2024".into())));
    // The first number is settled on line 3, the last one on line 4 only.
    let Verdict::Date { settled_by, .. } = profile(&["01/02/24", "31/01/24", "30/01/99"]).judge(0, ANY)
    else {
        panic!()
    };
    assert_eq!(settled_by, Some((4, "30/01/99".into())));
}

#[test]
fn the_span_is_that_of_the_format() {
    let found = profile(&["05/01/2024", "04/02/2024", "13/03/2023"]);
    let span = |format: &str| {
        found
            .span(format)
            .map(|span| (span.count, span.earliest.to_iso(), span.latest.to_iso()))
    };
    assert_eq!(
        span("%d/%m/%Y"),
        Some((3, "2023-03-13".into(), "2024-02-04".into()))
    );
    assert_eq!(
        span("%m/%d/%Y"),
        Some((2, "2024-04-02".into(), "2024-05-01".into()))
    );
    assert_eq!(span("%Y-%m-%d"), None);
    let mut given = DateProfile::of_format(DateFormat::new("%d. %m. %Y").unwrap());
    given.add_many(2, "5. 1. 2024", 1);
    given.add_many(3, "2024-01-05", 1);
    assert_eq!(given.span("%d. %m. %Y").unwrap().count, 1);
    assert_eq!(given.span("%Y-%m-%d"), None);
}

fn formats() -> impl Iterator<Item = Format> {
    (0..DATES.len()).flat_map(|date| (0..TIMES.len()).map(move |time| Format { date, time }))
}

/// Every format whose bits are set reads the value, and as the same moment.
fn check_agreement(text: &str) {
    let Some(seen) = Sighting::of(text) else { return };
    let mut found = 0;
    for format in formats().filter(|format| seen.formats & format.members() == format.members()) {
        let read = DateFormat::new(&format.text()).unwrap().parse(text);
        assert_eq!(
            read,
            seen.moments[format.order() as usize],
            "{text} by {}",
            format.text()
        );
        assert!(read.is_some(), "{text} by {}", format.text());
        found += 1;
    }
    assert!(found > 0, "{text}");
}

#[test]
fn every_listed_format_is_usable_and_has_its_own_text() {
    let mut texts = std::collections::BTreeSet::new();
    for format in formats().filter(|format| !(19..=20).contains(&format.date) || format.time == 0) {
        let text = format.text();
        DateFormat::new(&text).unwrap();
        assert_eq!(formats::find(&text), Some(format));
        assert!(texts.insert(text));
    }
}

#[test]
fn a_column_of_dates_is_compared_when_rows_are_however_it_is_written() {
    for format in formats().filter(|format| !(18..=20).contains(&format.date) || format.time == 0) {
        let text = format.text();
        if text.starts_with("%m.%d") {
            continue;
        }
        let days = (0..60).map(|day| {
            let at = chrono::DateTime::from_timestamp(1_514_764_800 + 86_400 * day, 0).unwrap();
            match format.date {
                19 => at.timestamp().to_string(),
                20 => at.timestamp_millis().to_string(),
                _ => at.format(&text.replace("%#z", "%:z")).to_string(),
            }
        });
        let records: Vec<Record> = days.map(|day| Record::from_fields([day.as_str()])).collect();
        let records: Vec<&Record> = records.iter().collect();
        let name = if (19..=20).contains(&format.date) {
            "at"
        } else {
            "x"
        };
        assert_eq!(identifier_like(&[name.to_string()], &records), [false], "{text}");
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_seen_is_what_is_read(
        seconds in 631_152_000_i64..4_102_444_800,
        nanos in prop::option::of(0_u32..1_000_000_000),
        place in 0..DATES.len() * TIMES.len(),
    ) {
        let format = Format { date: place / TIMES.len(), time: place % TIMES.len() };
        let is_number = (18..=20).contains(&format.date);
        prop_assume!(!is_number || format.time == 0);
        let text = match format.date {
            19 => seconds.to_string(),
            20 => (seconds * 1000).to_string(),
            _ => {
                let at = chrono::DateTime::from_timestamp(seconds, nanos.unwrap_or(0)).unwrap();
                at.format(&format.text().replace("%#z", "%:z")).to_string()
            }
        };
        check_agreement(&text);
        let seen = Sighting::of(&text);
        let never = DATES[format.date].0.starts_with("%m.%d");
        let has = seen.is_some_and(|seen| seen.formats & format.members() == format.members());
        prop_assert!(has || never, "{} by {}", text, format.text());
    }

    #[test]
    fn arbitrary_texts_do_no_harm(text in "\\PC{0,45}", dateish in "[0-9JanFebMy/.:, TZ+-]{6,30}") {
        check_agreement(&text);
        check_agreement(&dateish);
        profile(&[&text, &dateish]).judge(0, ANY);
    }

    #[test]
    fn parts_say_the_same_as_the_whole(
        rows in prop::collection::vec((0..9_usize, prop::bool::ANY), 1..60),
    ) {
        const VALUES: [&str; 9] = [
            "05/01/2024", "31/01/2024", "01/31/2024", "05/01/24", "2024-01-05", "NA", "x", "5 May 2024", "20240105",
        ];
        let mut whole = DateProfile::default();
        let mut parts = [DateProfile::default(), DateProfile::default()];
        for (line, (value, part)) in rows.iter().enumerate() {
            whole.add_many(line as u64, VALUES[*value], 1);
            parts[usize::from(*part)].add_many(line as u64, VALUES[*value], 1);
        }
        let [mut merged, other] = parts;
        merged.merge(other);
        for allowed in [ANY, NONE] {
            prop_assert_eq!(merged.judge(0, allowed), whole.judge(0, allowed));
        }
        for format in formats() {
            prop_assert_eq!(merged.span(&format.text()), whole.span(&format.text()));
        }
    }
}

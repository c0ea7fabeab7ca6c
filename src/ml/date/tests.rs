//! Every format by table, what is refused, and agreement with chrono.

use super::*;

fn parse(format: &str, text: &str) -> Option<Moment> {
    DateFormat::new(format).unwrap().parse(text)
}

fn iso(format: &str, text: &str) -> String {
    parse(format, text).map_or_else(|| "-".into(), |moment| moment.to_iso())
}

#[test]
fn formats_read_what_they_say() {
    for (format, text, expected) in [
        ("%Y-%m-%d", "2024-02-29", "2024-02-29"),
        ("%Y-%m-%d", " 2024-2-9 ", "2024-02-09"),
        ("%F", "2024-02-29", "2024-02-29"),
        ("%Y/%m/%d", "2024/02/29", "2024-02-29"),
        ("%d.%m.%Y", "29.02.2024", "2024-02-29"),
        ("%d/%m/%Y", "5/1/2024", "2024-01-05"),
        ("%m/%d/%Y", "5/1/2024", "2024-05-01"),
        ("%D", "05/01/69", "2069-05-01"),
        ("%D", "05/01/70", "1970-05-01"),
        ("%Y%m%d", "20240131", "2024-01-31"),
        ("%d %b %Y", "05 Jan 2024", "2024-01-05"),
        ("%d %B %Y", "5 JANUARY 2024", "2024-01-05"),
        ("%d %B %Y", "5 jan 2024", "2024-01-05"),
        ("%b %d, %Y", "Jan 5, 2024", "2024-01-05"),
        ("%d%b%Y", "5Jan2024", "2024-01-05"),
        (
            "%a, %d %b %Y %T %z",
            "Fri, 05 Jan 2024 10:00:00 +0000",
            "2024-01-05T10:00:00Z",
        ),
        ("%A %-d %B %Y", "Friday 5 January 2024", "2024-01-05"),
        ("%Y-%m-%dT%H:%M", "2024-01-31T10:20", "2024-01-31T10:20:00Z"),
        ("%Y-%m-%d %T", "2024-01-31 23:59:59", "2024-01-31T23:59:59Z"),
        ("%Y-%m-%d %R", "2024-01-31 9:05", "2024-01-31T09:05:00Z"),
        ("%m/%d/%Y %I:%M %p", "1/31/2024 12:05 am", "2024-01-31T00:05:00Z"),
        ("%m/%d/%Y %I:%M %p", "1/31/2024 3:05 PM", "2024-01-31T15:05:00Z"),
        (
            "%Y-%m-%dT%H:%M:%S%.f%#z",
            "2024-01-31T10:20:30Z",
            "2024-01-31T10:20:30Z",
        ),
        (
            "%Y-%m-%dT%H:%M:%S%.f%#z",
            "2024-01-31T10:20:30.5+02:00",
            "2024-01-31T08:20:30Z",
        ),
        (
            "%Y-%m-%dT%H:%M:%S%.f%#z",
            "2024-01-31T23:20:30-0130",
            "2024-02-01T00:50:30Z",
        ),
        (
            "%Y-%m-%dT%H:%M:%S%.f%#z",
            "2024-01-01T00:20:30+02",
            "2023-12-31T22:20:30Z",
        ),
        (
            "%Y-%m-%d %H:%M:%S,%3f",
            "2024-01-31 10:20:30,123",
            "2024-01-31T10:20:30Z",
        ),
        ("%Y年%m月%d日", "2024年1月31日", "2024-01-31"),
        ("%Y-%m-%d%%", "2024-01-31%", "2024-01-31"),
        ("epoch_seconds", "0", "1970-01-01"),
        ("epoch_seconds", "-1", "1969-12-31T23:59:59Z"),
        ("epoch_seconds", "1700000000", "2023-11-14T22:13:20Z"),
        ("epoch_seconds", "1700000000.75", "2023-11-14T22:13:20Z"),
        ("epoch_milliseconds", "1700000000123", "2023-11-14T22:13:20Z"),
        ("epoch_milliseconds", "-1", "1969-12-31T23:59:59Z"),
        ("%Y-%m-%d", "0001-01-01", "0001-01-01"),
        ("%Y-%m-%d", "9999-12-31", "9999-12-31"),
    ] {
        assert_eq!(iso(format, text), expected, "{text} by {format}");
    }
}

#[test]
fn what_is_no_date_in_the_format_is_refused() {
    for (format, text) in [
        ("%Y-%m-%d", ""),
        ("%Y-%m-%d", "2023-02-29"),
        ("%Y-%m-%d", "1900-02-29"),
        ("%Y-%m-%d", "2024-04-31"),
        ("%Y-%m-%d", "0000-01-01"),
        ("%Y-%m-%d", "0000-00-00"),
        ("%Y-%m-%d", "2024-13-01"),
        ("%Y-%m-%d", "2024-00-01"),
        ("%Y-%m-%d", "2024-01-00"),
        ("%Y-%m-%d", "2024-01-011"),
        ("%Y-%m-%d", "24-01-01"),
        ("%Y-%m-%d", "+2024-01-01"),
        ("%Y-%m-%d", "2024- 01-01"),
        ("%Y-%m-%d", "2024-01-01x"),
        ("%Y-%m-%d", "2024-01-01T10:00"),
        ("%Y-%m-%d", "２０２４-01-01"),
        ("%Y%m%d", "2024131"),
        ("%Y%m%d", "20241301"),
        ("%Y-%m-%d %H:%M", "2024-01-31 24:00"),
        ("%Y-%m-%d %H:%M", "2024-01-31 10:60"),
        ("%Y-%m-%d %H:%M", "2024-01-31 10:5"),
        ("%Y-%m-%d %H:%M", "2024-01-31  10:05"),
        ("%Y-%m-%d %H:%M:%S", "2024-12-31 23:59:60"),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-12-31 23:59:59."),
        ("%Y-%m-%d %I:%M %p", "2024-01-31 13:05 PM"),
        ("%Y-%m-%d %I:%M %p", "2024-01-31 0:05 AM"),
        ("%Y-%m-%d %I:%M %p", "2024-01-31 1:05 XM"),
        ("%a %Y-%m-%d", "Mon 2024-01-05"),
        ("%d %b %Y", "5 January 2024"),
        ("%d %b %Y", "5 Jän 2024"),
        ("%Y-%m-%d %H:%M%#z", "2024-01-31 10:00+24:00"),
        ("%Y-%m-%d %H:%M%#z", "2024-01-31 10:00+02:60"),
        ("%Y-%m-%d %H:%M%#z", "2024-01-31 10:00"),
        ("%Y-%m-%d %H:%M%z", "2024-01-31 10:00Z"),
        ("%Y-%m-%d %H:%M%#z", "0001-01-01 00:00+02:00"),
        ("%Y-%m-%d %H:%M%#z", "9999-12-31 23:00-02:00"),
        ("epoch_seconds", ""),
        ("epoch_seconds", "-"),
        ("epoch_seconds", "+1"),
        ("epoch_seconds", "1e9"),
        ("epoch_seconds", "1."),
        ("epoch_seconds", "999999999999999999"),
        ("epoch_seconds", "9999999999999999999999999999"),
    ] {
        assert_eq!(iso(format, text), "-", "{text} by {format}");
    }
}

#[test]
fn unusable_formats_say_what_is_wrong() {
    let message = |format: &str| DateFormat::new(format).unwrap_err().to_string();
    for (format, expected) in [
        ("", "1 to 64 bytes"),
        ("date", "lacks the year"),
        ("%Y-%m", "lacks the day"),
        ("%d.%m", "lacks the year"),
        ("%Y-%d", "lacks the month"),
        ("%Y-%m-%d %m", "names the month twice"),
        ("%Y-%m-%d %b", "names the month twice"),
        ("%Y-%y-%m-%d", "names the year twice"),
        ("%F %Y", "names the year twice"),
        ("%F %M", "lacks the hour"),
        ("%F %H:%S", "lacks the minute"),
        ("%F %H:%M%.f", "lacks the second"),
        ("%F%z", "lacks the hour"),
        ("%F %I:%M", "lacks the half of the day (%p)"),
        ("%F %H:%M %p", "lacks the hour of 1 to 12 (%I)"),
        ("%F %q", "`%q`"),
        ("%F %Z", "`%Z`"),
        ("%F %f", "`%f`"),
        ("%s", "`%s`"),
        ("%F %", "`%`"),
        ("%F %-q", "`%-q`"),
        ("%F %é", "`%é`"),
        ("%Y-01-%d", "the digit `0`"),
    ] {
        assert!(
            message(format).contains(expected),
            "{format}: {}",
            message(format)
        );
    }
    assert!(DateFormat::new(&"%Y".repeat(40)).is_err());
}

#[test]
fn parts_and_days_are_those_of_the_moment_in_utc() {
    let parts = |text: &str| {
        let moment = parse("%Y-%m-%dT%H:%M:%S%.f%#z", text).unwrap();
        DatePart::ALL.map(|part| moment.part(part)).join(" ")
    };
    assert_eq!(parts("2024-01-31T10:20:30Z"), "1 31 wednesday 10");
    assert_eq!(parts("2024-02-01T00:20:30+02:00"), "1 31 wednesday 22");
    assert_eq!(parts("1969-12-31T23:59:59.9Z"), "12 31 wednesday 23");
    assert_eq!(parts("0001-01-01T00:00:00Z"), "1 1 monday 0");
    assert_eq!(parts("9999-12-31T23:59:59Z"), "12 31 friday 23");
    let days = |text: &str| parse("%Y-%m-%d %H:%M:%S%.f", text).unwrap().days();
    assert_eq!(days("1970-01-01 00:00:00"), 0.0);
    assert_eq!(days("1970-01-02 12:00:00"), 1.5);
    assert_eq!(days("1969-12-31 18:00:00"), -0.25);
    assert_eq!(days("2024-01-31 06:00:00"), 19_753.25);
    assert!(days("2024-01-31 06:00:00.5") > days("2024-01-31 06:00:00"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_chrono_writes_is_read_back(
        seconds in super::FIRST..=super::LAST,
        nanos in 0_u32..1_000_000_000,
        offset in -14 * 60..=14 * 60_i32,
    ) {
        let zone = chrono::FixedOffset::east_opt(offset * 60).unwrap();
        let utc = chrono::DateTime::from_timestamp(seconds, nanos).unwrap();
        for format in ["%Y-%m-%dT%H:%M:%S%.9f%:z", "%a, %d %B %Y %I:%M:%S %p %z", "%d.%m.%Y %T,%6f", "%Y%m%d %R"] {
            let text = if format.contains('z') {
                utc.with_timezone(&zone).format(format).to_string()
            } else {
                utc.format(format).to_string()
            };
            let read = parse(&format.replace("%.9f", "%.f"), &text);
            // An offset can write a moment with a year that is not read.
            if text.contains("+10000") || text.contains("0000-") || text.contains(" 0000 ") {
                continue;
            }
            let left_out = match format {
                "%Y-%m-%dT%H:%M:%S%.9f%:z" => 1,
                "%d.%m.%Y %T,%6f" => 1_000,
                "%Y%m%d %R" => 60_000_000_000,
                _ => 1_000_000_000,
            };
            let nanos = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
            let expected = nanos - nanos.rem_euclid(left_out);
            let found = read.map(|at| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos));
            proptest::prop_assert_eq!(found, Some(expected), "{}", text);
            let moment = read.unwrap();
            proptest::prop_assert!((moment.days() - expected as f64 / 86_400e9).abs() < 1e-9);
            let of = chrono::DateTime::from_timestamp(moment.seconds, 0).unwrap();
            let parts = DatePart::ALL.map(|part| moment.part(part)).join(" ");
            proptest::prop_assert_eq!(parts, of.format("%-m %-d %A %-H").to_string().to_lowercase());
        }
    }

    #[test]
    fn what_is_read_chrono_reads_the_same(text in "[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}([T ][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2})?)?") {
        for format in ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%y", "%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M:%S"] {
            let theirs = match format.contains('H') {
                true => chrono::NaiveDateTime::parse_from_str(&text, format).ok(),
                false => NaiveDate::parse_from_str(&text, format).ok().and_then(|date| date.and_hms_opt(0, 0, 0)),
            };
            if let Some(found) = parse(format, &text) {
                proptest::prop_assert_eq!(theirs.map(|at| at.and_utc().timestamp()), Some(found.seconds), "{}", text);
            }
        }
    }

    #[test]
    fn arbitrary_formats_and_texts_do_no_harm(format in "\\PC{0,20}", fields in "(%[-:#.369]?[YymdbBaAHIpMSfzFTRD%]|[-/ T]){1,9}", text in "\\PC{0,40}") {
        for format in [format, fields] {
            if let Ok(format) = DateFormat::new(&format) {
                format.parse(&text);
            }
        }
        for format in ["%a, %d %B %Y %I:%M:%S%.f %p %#z", "epoch_seconds", "epoch_milliseconds"] {
            parse(format, &text);
        }
    }
}

//! What warns, and above all what does not: clean tables stay silent, and every code has a planted case that must fire
//! beside a near miss that must not.

use yosoku::ml::hash::{Stream, unit};
use yosoku::ml::insights::{Code, Insight};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::inspect;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::schema::{AttributeType, Schema};
use yosoku::ml::split::{Split, Strategy};

use crate::support::{DATASETS, inspect_text, on_threads, sample, train_text};

/// A table under `header` whose rows are made one by one from seeded random numbers.
fn made(rows: u64, header: &str, row: impl Fn(&mut Stream, u64) -> String) -> String {
    let mut random = Stream::new(17);
    let mut text = format!("{header}\n");
    for i in 0..rows {
        text.push_str(&row(&mut random, i));
        text.push('\n');
    }
    text
}

fn normal(random: &mut Stream) -> f64 {
    (0..12).map(|_| random.next_unit()).sum::<f64>() - 6.0
}

fn below(random: &mut Stream, count: u64) -> u64 {
    (random.next_unit() * count as f64) as u64
}

/// Small numbers often, large ones rarely.
fn skewed(random: &mut Stream, count: u64) -> u64 {
    (random.next_unit().powi(3) * count as f64) as u64
}

fn pick<'a>(random: &mut Stream, words: &[&'a str]) -> &'a str {
    words[below(random, words.len() as u64) as usize]
}

fn chance(random: &mut Stream, share: f64) -> bool {
    random.next_unit() < share
}

fn found(text: &str, target: Option<&str>, split: &Split) -> Vec<Insight> {
    let table = MemoryTable::new(text);
    inspect(&table, None, target, split, &mut Silent)
        .unwrap()
        .insights
}

fn codes(insights: &[Insight]) -> Vec<Code> {
    insights.iter().map(|insight| insight.code).collect()
}

#[test]
fn letters_that_cannot_be_read_are_told_with_their_cure() {
    let rows = |town: &[u8]| {
        let mut bytes = b"id,town,late\n".to_vec();
        for i in 0..40 {
            bytes.extend_from_slice(format!("{i},").as_bytes());
            bytes.extend_from_slice(if i == 7 { town } else { b"Bonn" });
            bytes.extend_from_slice(format!(",{}\n", i % 2).as_bytes());
        }
        bytes
    };
    let found = |bytes: Vec<u8>| {
        let table = MemoryTable::new(bytes);
        let insights = inspect(&table, None, Some("late"), &Split::all(), &mut Silent)
            .unwrap()
            .insights;
        insights.into_iter().find(|insight| insight.code == Code::NotUtf8)
    };
    let insight = found(rows(b"K\xf6ln")).unwrap();
    assert!(
        insight
            .message
            .starts_with("a row (the first is on line 9) holds bytes"),
        "{}",
        insight.message
    );
    assert!(insight.suggestion.contains("iconv"), "{}", insight.suggestion);
    assert_eq!(found(rows("Köln".as_bytes())), None);
    let mut named = b"gr\xf6\xdfe,late\n".to_vec();
    named.extend_from_slice("1,0\n2,1\n".repeat(20).as_bytes());
    let insight = found(named).unwrap();
    assert!(
        insight
            .message
            .starts_with("the name of the column `gr\u{fffd}\u{fffd}e` holds"),
        "{}",
        insight.message
    );
    // The sign may stand in a file of UTF-8 by itself, and then nothing was lost.
    let signs = |first: &[u8]| {
        let mut bytes = [first, ",gr\u{fffd}\u{fffd}e,late\n".as_bytes()].concat();
        bytes.extend_from_slice("1,K\u{fffd}ln,0\n2,Bonn,1\n".repeat(20).as_bytes());
        bytes
    };
    assert_eq!(found(signs(b"id")), None);
    let insight = found(signs(b"\xefd")).unwrap();
    assert_eq!(insight.evidence[0]["names"], serde_json::json!(["\u{fffd}d"]));
}

#[test]
fn a_target_of_one_value_is_told_before_training() {
    let text = made(100, "x,late", |random, _| format!("{:.3},no", random.next_unit()));
    let insights = found(&text, Some("late"), &Split::all());
    assert_eq!(codes(&insights), [Code::ConstantColumn]);
    assert!(
        insights[0].message.contains("it is the target"),
        "{}",
        insights[0].message
    );
}

/// Nothing but the expected codes, on the whole table and on both parts of random splits.
fn assert_only(what: &str, text: &str, target: &str, expected: &[Code]) {
    for split in [
        Split::all(),
        Split::training(30.0, 1),
        Split::held_out(30.0, 2),
        Split::training(50.0, 3),
    ] {
        let insights = found(text, Some(target), &split);
        // A part of a table of fifty rows has classes of a few rows, and must say so.
        let few = if row_count(text) < 100 && !split.is_all() {
            Some(Code::FewRowsInClass)
        } else {
            None
        };
        let unexpected: Vec<&Insight> = insights
            .iter()
            .filter(|insight| !expected.contains(&insight.code) && Some(insight.code) != few)
            .collect();
        assert!(unexpected.is_empty(), "{what} {split:?}: {unexpected:#?}");
    }
    let insights = found(text, Some(target), &Split::all());
    assert_eq!(codes(&insights), expected, "{what}");
}

fn row_count(text: &str) -> usize {
    text.lines().count() - 1
}

#[test]
fn real_data_sets_are_clean() {
    for name in DATASETS {
        let text = String::from_utf8(sample(name)).unwrap();
        // Digits has pixels at the edge that are never or hardly ever inked.
        let expected: &[Code] = match name {
            "digits" => &[Code::NearConstantColumn, Code::ConstantColumn],
            _ => &[],
        };
        assert_only(name, &text, "target", expected);
    }
    let digits = inspect_text(sample("digits"), Some("target")).unwrap().insights;
    assert_eq!(digits[1].columns, ["pixel_0_0", "pixel_4_0", "pixel_4_7"]);
}

/// Clicks: identifiers, many categories, rare positives.
fn clicks() -> String {
    made(
        20_000,
        "click_id,hour,country,device,publisher,bid,gap_s,is_fraud",
        |r, i| {
            let publisher = skewed(r, 3000);
            let rate = if publisher.is_multiple_of(40) { 0.15 } else { 0.02 };
            format!(
                "{:016x},{},C{},{},pub{publisher},{:.4},{:.2},{}",
                i.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                below(r, 24),
                skewed(r, 90),
                pick(r, &["mobile", "desktop", "tablet", "tv"]),
                r.next_unit().powi(2),
                -900.0 * libm::log(1.0 - r.next_unit()),
                u64::from(chance(r, rate))
            )
        },
    )
}

/// Messages: text of invented words, some of which lean to one side.
fn messages() -> String {
    made(4000, "message,is_spam", |r, _| {
        let spam = chance(r, 0.2);
        let count = 1 + below(r, 12);
        let words: Vec<String> = (0..count)
            .map(|_| match chance(r, 0.15) {
                true if spam => format!("offer{}", skewed(r, 60)),
                _ => format!("word{}", skewed(r, 4000)),
            })
            .collect();
        format!("\"{}.\",{}", words.join(" "), u64::from(spam))
    })
}

/// Sales: seasonal numbers and a few dozen products.
fn sales() -> String {
    made(
        6000,
        "store,product,weekday,month,temperature,price,stock,promo,units",
        |r, _| {
            let month = below(r, 12);
            let season = (month as f64 / 12.0 * std::f64::consts::TAU).sin();
            let temperature = 12.0 - 11.0 * season + 3.0 * normal(r);
            let price = 2.0 + 40.0 * r.next_unit().powi(2);
            let promo = pick(r, &["none", "none", "none", "flyer", "endcap"]);
            let units =
                200.0 / price + temperature + if promo == "none" { 0.0 } else { 15.0 } + 12.0 * normal(r);
            format!(
                "S{},P{},{},{},{temperature:.1},{price:.2},{},{promo},{units:.2}",
                below(r, 40),
                skewed(r, 300),
                pick(r, &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
                month + 1,
                skewed(r, 500)
            )
        },
    )
}

/// A survey of few answers that belong together, so that many rows are equal by nature.
fn survey(rows: u64) -> String {
    made(rows, "q1,q2,q3,q4,q5,recommends", |r, _| {
        let mood = below(r, 3);
        let mut answer = || {
            let shift = below(r, 2);
            pick(
                r,
                &["never", "rarely", "often", "always"][(mood.min(2)) as usize..][..2],
            )
            .to_string()
                + if shift == 0 { "" } else { "!" }
        };
        let answers: Vec<String> = (0..5).map(|_| answer()).collect();
        let recommends = if chance(r, 0.2 + 0.3 * mood as f64) {
            "yes"
        } else {
            "no"
        };
        format!("{},{recommends}", answers.join(","))
    })
}

/// Sensors: readings in time order, rounded, with gaps.
fn sensors() -> String {
    let mut level = 20.0;
    let rows = 5000;
    let mut random = Stream::new(5);
    let mut text = "second,sensor,celsius,humidity,alarm\n".to_string();
    for i in 0..rows {
        level += 0.05 * normal(&mut random);
        let humidity = if chance(&mut random, 0.03) {
            String::new()
        } else {
            format!("{:.0}", 45.0 + 6.0 * normal(&mut random))
        };
        let alarm = chance(&mut random, if level > 20.5 { 0.3 } else { 0.1 });
        text.push_str(&format!(
            "{},s{},{level:.1},{humidity},{}\n",
            i * 10 + 7,
            i % 4,
            u8::from(alarm)
        ));
    }
    text
}

/// Counts of several kinds, mostly zero, and three classes.
fn counts() -> String {
    made(3000, "searches,orders,visits,shares,replies,kind", |r, _| {
        let kind = below(r, 3);
        let mut count = |scale: u64| -> u64 { if chance(r, 0.6) { 0 } else { skewed(r, scale) } };
        let fields = [count(30), count(6), count(20 + 10 * kind), count(5), count(9)];
        let fields: Vec<String> = fields.iter().map(u64::to_string).collect();
        format!(
            "{},{}",
            fields.join(","),
            ["casual", "regular", "heavy"][kind as usize]
        )
    })
}

/// Customers of whom a third never did anything: their rows are equal, and that says nothing.
fn idle() -> String {
    made(3000, "logins,spend,tickets,months,churned", |r, _| {
        if chance(r, 0.33) {
            return "0,0,0,0,no".into();
        }
        let churned = if chance(r, 0.3) { "yes" } else { "no" };
        format!(
            "{},{:.2},{},{},{churned}",
            1 + below(r, 300),
            1.0 + 400.0 * r.next_unit(),
            below(r, 5),
            1 + below(r, 40)
        )
    })
}

/// Marks with their sum: no two rows differ in one column alone.
fn marks() -> String {
    made(2000, "reading,writing,sum,passed", |r, _| {
        let (reading, writing) = (1 + below(r, 20), 1 + below(r, 20));
        let passed = if reading + writing + below(r, 12) > 24 {
            "yes"
        } else {
            "no"
        };
        format!("{reading},{writing},{},{passed}", reading + writing)
    })
}

/// A column that tells a great deal, as good columns do.
fn strong(rows: u64) -> String {
    made(rows, "score,noise,bought", |r, _| {
        let score = normal(r);
        let bought = score + 0.12 * normal(r) > 0.2;
        format!("{score:.3},{:.3},{}", normal(r), u8::from(bought))
    })
}

/// A number that follows closely from another one.
fn close() -> String {
    made(3000, "area,rooms,price", |r, _| {
        let area = 30.0 + 120.0 * r.next_unit();
        format!(
            "{area:.1},{},{:.0}",
            1 + (area / 30.0) as u64,
            3000.0 * area + 25_000.0 * normal(r)
        )
    })
}

fn small(rows: u64, seed: u64) -> String {
    made(rows, "height,weight,smokes,group", |r, _| {
        (0..seed).for_each(|_| _ = r.next_u64());
        let group = if chance(r, 0.5) { "treated" } else { "control" };
        let (height, weight) = (170.0 + 9.0 * normal(r), 70.0 + 12.0 * normal(r));
        format!(
            "{height:.0},{weight:.1},{},{group}",
            pick(r, &["yes", "no", "no"])
        )
    })
}

/// One measurement with two decimals, which repeats by itself, and what follows from it.
fn bands(rows: u64) -> String {
    made(rows, "amount,band", |r, _| {
        let amount = -100.0 * libm::log(1.0 - r.next_unit());
        // Now and then the band is another, so that the amount does not decide it.
        let band = if chance(r, 0.1) {
            below(r, 4)
        } else {
            ((amount / 60.0) as u64).min(3)
        };
        format!("{amount:.2},{band}")
    })
}

fn degrees() -> String {
    made(1000, "celsius,fahrenheit", |r, _| {
        let celsius = (100.0 * (15.0 + 8.0 * normal(r))).round() / 100.0;
        // Read off another instrument.
        format!("{celsius},{:.1}", celsius * 1.8 + 32.0 + 5.0 * normal(r))
    })
}

fn birthdays() -> String {
    made(400, "born,adult", |r, _| {
        let year = 1990 + below(r, 30);
        let adult = year < 2008 && !chance(r, 0.1);
        format!(
            "{year}-{:02}-{:02},{}",
            1 + below(r, 12),
            1 + below(r, 28),
            u8::from(adult)
        )
    })
}

/// One column alone, and a column with one that follows from it: numbers repeat by themselves, texts do not.
#[test]
fn what_repeats_by_itself_is_no_copy() {
    for seed in 1..5 {
        let alone = made(1000, "amount", |r, _| {
            (0..seed).for_each(|_| _ = r.next_u64());
            format!("{:.2}", -100.0 * libm::log(1.0 - r.next_unit()))
        });
        assert_eq!(codes(&found(&alone, None, &Split::all())), []);
        assert_eq!(codes(&found(&alone, None, &Split::training(70.0, seed))), []);
    }
    let mut copied = String::from("note\n");
    for i in 0..600 {
        let kept = if i % 10 == 0 { 1 } else { i };
        copied.push_str(&format!("the {kept} th message of many {}\n", kept * 7919 % 1000));
    }
    let codes = codes(&found(&copied, None, &Split::training(70.0, 1)));
    assert!(
        codes.contains(&Code::DuplicateRows) || codes.contains(&Code::DuplicateRowsAcrossSplit),
        "{codes:?}"
    );
}

/// Rows in the order of time whose numbers do not drift.
fn ordered() -> String {
    made(4000, "day,amount,channel,late", |r, i| {
        format!(
            "{},{:.2},{},{}",
            18_000 + i / 3,
            50.0 * r.next_unit(),
            pick(r, &["web", "shop", "phone"]),
            u8::from(chance(r, 0.25))
        )
    })
}

#[test]
fn clean_tables_are_silent() {
    for (what, text, target) in [
        ("clicks", clicks(), "is_fraud"),
        ("messages", messages(), "is_spam"),
        ("sales", sales(), "units"),
        ("survey", survey(3000), "recommends"),
        ("small survey", survey(400), "recommends"),
        ("sensors", sensors(), "alarm"),
        ("counts", counts(), "kind"),
        ("idle customers", idle(), "churned"),
        ("marks", marks(), "passed"),
        ("strong column", strong(3000), "bought"),
        ("strong column, few rows", strong(300), "bought"),
        ("close numbers", close(), "price"),
        ("ordered by time", ordered(), "late"),
        ("amounts and their band", bands(1000), "band"),
        ("degrees twice", degrees(), "fahrenheit"),
        ("birthdays", birthdays(), "adult"),
        ("30 rows", small(30, 1), "group"),
        ("45 rows", small(45, 2), "group"),
        ("60 rows", small(60, 3), "group"),
    ] {
        assert_only(what, &text, target, &[]);
    }
}

/// The insight of a code; every other code is a surprise.
fn the(text: &str, target: Option<&str>, code: Code) -> Insight {
    let insights = found(text, target, &Split::all());
    assert_eq!(codes(&insights), [code], "{insights:#?}");
    let insight = insights[0].clone();
    assert!(!insight.message.is_empty() && !insight.suggestion.is_empty() && !insight.evidence.is_empty());
    insight
}

fn silent(text: &str, target: Option<&str>) {
    let insights = found(text, target, &Split::all());
    assert!(insights.is_empty(), "{insights:#?}");
}

#[test]
fn target_leakage() {
    let table = |rows: u64, errors: f64, noise: bool| {
        made(rows, "age,refund,city,churned", move |r, _| {
            let churned = chance(r, 0.38);
            let told = churned != chance(r, errors);
            let refund = if told {
                format!("{:.2}", 5.0 + 50.0 * r.next_unit())
            } else {
                String::new()
            };
            let city = if noise {
                format!("c{}", below(r, 100_000))
            } else {
                "c1".to_string() + pick(r, &["a", "b"])
            };
            format!("{},{refund},{city},{}", 18 + below(r, 60), u8::from(churned))
        })
    };
    let planted = found(&table(2000, 0.004, true), Some("churned"), &Split::all());
    let leak = planted
        .iter()
        .find(|insight| insight.code == Code::TargetLeakage)
        .unwrap();
    assert_eq!(
        (leak.columns.clone(), leak.count),
        (vec!["refund".to_string()], 1)
    );
    assert!(
        leak.message.starts_with("knowing `refund` alone answers 99."),
        "{}",
        leak.message
    );
    assert!(
        leak.message.contains("the best blind answer is right on 6"),
        "{}",
        leak.message
    );
    assert!(leak.evidence[0]["right_at_least"].as_f64().unwrap() > 0.98);
    // A column that is right on 95 % is a good column; forty rows prove nothing; many values tell nothing.
    let codes_of = |text: &str| codes(&found(text, Some("churned"), &Split::all()));
    assert!(!codes_of(&table(2000, 0.05, true)).contains(&Code::TargetLeakage));
    assert!(!codes_of(&table(40, 0.0, true)).contains(&Code::TargetLeakage));
}

#[test]
fn leakage_in_words_numbers_and_rare_answers() {
    let word = |share: f64| {
        made(1500, "note,paid", move |r, _| {
            let paid = chance(r, 0.4);
            let hint = if paid != chance(r, share) {
                "cleared"
            } else {
                "open"
            };
            format!(
                "row about case {} is {hint} today,{}",
                below(r, 900_000),
                u8::from(paid)
            )
        })
    };
    let insight = the(&word(0.0), Some("paid"), Code::TargetLeakage);
    assert!(
        insight.message.contains("contains the word `cleared`") || insight.message.contains("`open`"),
        "{insight:?}"
    );
    silent(&word(0.1), Some("paid"));
    let curve = |noise: f64| {
        made(2000, "angle,height", move |r, _| {
            let angle = 6.0 * r.next_unit();
            format!("{angle:.4},{:.5}", angle.sin() + noise * normal(r))
        })
    };
    the(&curve(0.01), Some("height"), Code::TargetLeakage);
    silent(&curve(0.2), Some("height"));
    let rare = |shift: f64| {
        made(20_000, "amount,day,fraud", move |r, _| {
            let fraud = chance(r, 0.02);
            let amount = r.next_unit() * 100.0 + if fraud { shift } else { 0.0 };
            format!("{amount:.2},{},{}", below(r, 300), u8::from(fraud))
        })
    };
    the(&rare(200.0), Some("fraud"), Code::TargetLeakage);
    silent(&rare(60.0), Some("fraud"));
}

#[test]
fn target_copy() {
    let recoded = |slips: f64| {
        made(300, "age,verdict,y", move |r, _| {
            let y = chance(r, 0.3);
            let verdict = if y != chance(r, slips) { "guilty" } else { "free" };
            format!("{},{verdict},{}", 18 + below(r, 50), u8::from(y))
        })
    };
    let insight = the(&recoded(0.0), Some("y"), Code::TargetCopy);
    assert_eq!(insight.columns, ["verdict"]);
    silent(&recoded(0.05), Some("y"));
    let scaled = |noise: f64| {
        made(400, "celsius,pressure,fahrenheit", move |r, _| {
            let celsius = (20.0 + 8.0 * normal(r) + 0.5 * r.next_unit()).round() / 1.0;
            format!(
                "{celsius},{:.1},{:.1}",
                1000.0 + 9.0 * normal(r),
                32.0 + 1.8 * celsius + noise * normal(r)
            )
        })
    };
    let insight = the(&scaled(0.0), Some("fahrenheit"), Code::TargetCopy);
    assert!(
        insight.message.contains("1.8") && insight.message.contains("+ 32.0"),
        "{}",
        insight.message
    );
    silent(&scaled(4.0), Some("fahrenheit"));
    // Equal by chance: hardly any row differs from the most frequent value.
    let few = made(60, "flag,x,y", |r, i| {
        format!(
            "{},{:.3},{}",
            u8::from(i % 20 == 0),
            normal(r),
            u8::from(i % 20 == 0)
        )
    });
    assert!(!codes(&found(&few, Some("y"), &Split::all())).contains(&Code::TargetCopy));
}

#[test]
fn rows_that_are_copies() {
    let row = |r: &mut Stream, i: u64| {
        format!(
            "{i:06x},{:.5},{},{}",
            100.0 * r.next_unit(),
            pick(r, &["a", "b", "c"]),
            below(r, 2)
        )
    };
    let base = made(2000, "order_id,amount,shop,y", row);
    // Every thirtieth row comes again under a new number.
    let copies: String = base
        .lines()
        .skip(1)
        .step_by(30)
        .enumerate()
        .map(|(i, line)| format!("{:06x},{}\n", 900_000 + i, line.split_once(',').unwrap().1))
        .collect();
    let insight = the(&(base.clone() + &copies), Some("y"), Code::DuplicateRows);
    assert!(
        insight.message.contains("67 rows (3.2 %)") && insight.message.contains("but for `order_id`"),
        "{insight:?}"
    );
    assert_eq!(
        insight.evidence[0]["examples"][0]["lines"],
        serde_json::json!([2, 2002])
    );
    // The same across a split; the copies lie in both parts.
    let insights = found(
        &(base.clone() + &copies + &copies.replace("900", "901")),
        Some("y"),
        &Split::training(30.0, 1),
    );
    assert_eq!(
        codes(&insights),
        [Code::DuplicateRowsAcrossSplit, Code::DuplicateRows]
    );
    assert!(
        insights[0].message.contains("of the other part"),
        "{:?}",
        insights[0]
    );
    // A handful of copies among two thousand is no matter.
    let few: String = copies.lines().take(4).map(|line| format!("{line}\n")).collect();
    silent(&(base + &few), Some("y"));
}

#[test]
fn parts_that_differ() {
    // Rows whose number decides: the random split cannot see it, so what differs is made to follow the split.
    let split = Split::training(40.0, 9);
    let table = |shift: f64| {
        made(1200, "amount,channel,y", move |r, i| {
            let here = unit(9, i) * 100.0 < 60.0;
            let amount = normal(r) + if here { shift } else { 0.0 };
            let channel = if here && chance(r, shift / 2.0) {
                "app"
            } else {
                pick(r, &["web", "shop"])
            };
            format!("{amount:.3},{channel},{}", below(r, 2))
        })
    };
    let insights = found(&table(1.0), Some("y"), &split);
    assert_eq!(codes(&insights), [Code::PartDrift], "{insights:#?}");
    assert_eq!((insights[0].count, insights[0].columns.len()), (2, 2));
    assert!(
        insights[0].message.contains("medians") || insights[0].message.contains("`app`"),
        "{:?}",
        insights[0]
    );
    assert!(found(&table(0.2), Some("y"), &split).is_empty());
    // Large differences that few rows give by chance.
    let few: String = table(0.5)
        .lines()
        .take(31)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(!codes(&found(&few, Some("y"), &split)).contains(&Code::PartDrift));
    // Whatever the word for missing, and whatever the type.
    for (word, kind) in [
        ("", "number"),
        ("NA", "number"),
        ("?", "literal"),
        ("null", "date"),
    ] {
        let gone = made(1000, "rate,y", |r, i| {
            let missing = chance(r, if unit(9, i) * 100.0 < 60.0 { 0.1 } else { 0.45 });
            let value = match kind {
                _ if missing => word.to_string(),
                "number" => format!("{:.2}", normal(r)),
                "literal" => pick(r, &["yes", "no"]).to_string(),
                _ => format!("2024-{:02}-{:02}", 1 + below(r, 12), 1 + below(r, 28)),
            };
            format!("{value},{}", below(r, 2))
        });
        let insights = found(&gone, Some("y"), &split);
        assert_eq!(
            codes(&insights),
            [Code::PartDrift],
            "{word} {kind}: {insights:#?}"
        );
        let (message, evidence) = (&insights[0].message, &insights[0].evidence[0]);
        assert!(message.contains("missing here"), "{word} {kind}: {message}");
        assert!(
            evidence["distance"].as_f64().unwrap() > 0.25,
            "{word} {kind}: {evidence}"
        );
    }
}

/// Parts by a column differ in it, and parts of time in all dates; that is no news. What changes with time is.
#[test]
fn parts_by_a_column_differ_in_it() {
    let table = |shift: f64| {
        made(2000, "at,day,written,short,shop,amount,y", move |r, i| {
            let (day, month, year) = (1 + i % 28, 1 + i / 28 % 12, 2018 + i / 336);
            let amount = normal(r) + shift * i as f64 / 2000.0;
            format!(
                "{},{year}-{month:02}-{day:02},{day}.{month}.{year},{:02}/{:02}/{year},S{},{amount:.3},{}",
                1_500_000_000 + i * 86_400,
                1 + day % 12,
                1 + month % 12,
                skewed(r, 60),
                u8::from(chance(r, 0.4))
            )
        })
    };
    let by = |strategy: Strategy, column: &str| Split {
        strategy,
        column: Some(column.into()),
        ..Split::training(30.0, 1)
    };
    for split in [
        by(Strategy::Time, "at"),
        by(Strategy::Time, "day"),
        by(Strategy::Time, "written"),
        by(Strategy::Group, "shop"),
        by(Strategy::Stratified, "shop"),
    ] {
        for split in [split.clone(), split.others()] {
            let insights = found(&table(0.0), Some("y"), &split);
            // Which number of the third date is the day, nothing tells.
            assert_eq!(
                codes(&insights),
                [Code::DatesAsCategories],
                "{split} {insights:#?}"
            );
        }
    }
    let insights = found(&table(3.0), Some("y"), &by(Strategy::Time, "at"));
    assert_eq!(insights[0].code, Code::PartDrift);
    assert_eq!(insights[0].columns, ["amount"]);
    // In the order of the file nobody asked for time.
    let in_order = Split {
        strategy: Strategy::Sequential,
        ..Split::training(30.0, 1)
    };
    assert_eq!(found(&table(0.0), Some("y"), &in_order)[0].code, Code::PartDrift);
}

#[test]
fn classes() {
    let table = |rare: u64| {
        made(3000, "x,y", move |r, i| {
            let class = if i < rare {
                "rare"
            } else {
                pick(r, &["usual", "common"])
            };
            format!("{:.3},{class}", normal(r))
        })
    };
    let insight = the(&table(3), Some("y"), Code::FewRowsInClass);
    assert!(
        insight.message.contains("class `rare` of `y` has only 3 rows"),
        "{}",
        insight.message
    );
    silent(&table(8), Some("y"));
    let rate = |share: f64| {
        made(8000, "x,y", move |r, _| {
            format!("{:.3},{}", normal(r), u8::from(chance(r, share)))
        })
    };
    let insight = the(&rate(0.004), Some("y"), Code::ClassImbalance);
    assert!(
        insight.message.contains("is right on 99.6"),
        "{}",
        insight.message
    );
    silent(&rate(0.02), Some("y"));
}

/// A table of one column of interest and a target.
fn with(rows: u64, name: &str, field: impl Fn(&mut Stream, u64) -> String) -> String {
    made(rows, &format!("{name},other,y"), |r, i| {
        format!("{},{:.3},{}", field(r, i), normal(r), below(r, 2))
    })
}

/// How a field of a made table comes about, from its row number.
type Field<'a> = &'a dyn Fn(&mut Stream, u64) -> String;

#[test]
fn formatted_numbers() {
    let quoted = |name: &str, field: Field| with(500, name, move |r, i| format!("\"{}\"", field(r, i)));
    let cents = |r: &mut Stream| (below(r, 90), below(r, 100));
    let grouped: Field = &|r, _| format!("{},{:03}", 1 + below(r, 90), below(r, 1000));
    let insight = the(&quoted("sum", grouped), Some("y"), Code::FormattedNumbers);
    assert!(
        insight
            .message
            .starts_with("500 of 500 values of column `sum` are numbers written for people, such as `"),
        "{insight:?}"
    );
    let first = &insight.evidence[0]["examples"][0];
    assert_eq!(first["line"], 2);
    let plain = first["value"].as_str().unwrap().replace(',', "");
    assert!(
        insight
            .message
            .contains(&format!(" on line 2 for {plain}, so each value is a category")),
        "{insight:?}"
    );
    let money: Field = &move |r, _| {
        let (whole, rest) = cents(r);
        format!("${whole}.{rest:02}")
    };
    the(&quoted("sum", money), Some("y"), Code::FormattedNumbers);
    the(
        &quoted("share", &|r, _| format!("{}%", below(r, 90))),
        Some("y"),
        Code::FormattedNumbers,
    );
    the(
        &quoted("x", &|r, i| {
            if i % 9 == 0 {
                "1,200".into()
            } else {
                format!("{}", below(r, 900))
            }
        }),
        Some("y"),
        Code::FormattedNumbers,
    );
    let comma: Field = &move |r, _| {
        let (whole, rest) = cents(r);
        format!("-{whole},{rest:02}")
    };
    let insight = the(&quoted("x", comma), Some("y"), Code::FormattedNumbers);
    assert!(insight.message.contains(" for -"), "{insight:?}");
    // A schema that says CATEGORICAL is believed.
    let text = quoted("sum", money);
    let schema = inspect_text(&text, Some("y")).unwrap().schema;
    assert!(given(&text, &schema).is_empty());
    // Codes, telephone numbers, versions, times, addresses and lists are no numbers.
    let codes: [Field; 7] = [
        &|r, _| format!("{}-{}", 10 + below(r, 9), 10 + below(r, 20)),
        &|r, _| format!("+1 555 {} {}", 100 + below(r, 9), 100 + below(r, 9)),
        &|r, _| format!("{}.{}.{}", below(r, 5), below(r, 9), below(r, 9)),
        &|r, _| format!("{:02}:{:02}", below(r, 24), 5 * below(r, 12)),
        &|r, _| format!("10.0.{}.{}", below(r, 9), below(r, 9)),
        &|r, _| format!("{:05}", below(r, 90)),
        &|r, _| format!("{},{}", 1 + below(r, 4), 1 + below(r, 4)),
    ];
    for code in codes {
        silent(&quoted("code", code), Some("y"));
    }
}

#[test]
fn mixed_types() {
    let odd = |count: u64| {
        with(500, "size", move |r, i| {
            if i < count {
                "n.k.".into()
            } else {
                below(r, 90).to_string()
            }
        })
    };
    let insight = the(&odd(7), Some("y"), Code::MixedTypes);
    assert!(
        insight
            .message
            .contains("493 of 500 values of column `size` are numbers, 7 are not"),
        "{insight:?}"
    );
    let examples = insight.evidence[0]["examples"].as_array().unwrap().clone();
    assert_eq!(
        (examples.len(), &examples[0]["line"], &examples[0]["value"]),
        (5, &2.into(), &"n.k.".into())
    );
    silent(&odd(0), Some("y"));
    // A column that mixes by nature, and codes.
    silent(
        &with(500, "house", |r, _| {
            format!("{}{}", below(r, 90), pick(r, &["", "", "a", "b"]))
        }),
        Some("y"),
    );
    silent(
        &with(500, "part", |r, i| {
            if i % 50 == 0 {
                "00A".into()
            } else {
                format!("{:03}", below(r, 90))
            }
        }),
        Some("y"),
    );
    // What a given schema calls a number, but is none.
    let text = odd(7);
    let mut schema = inspect_text(&text, Some("y")).unwrap().schema;
    schema.attributes[0].kind = AttributeType::Numeric;
    let insights = given(&text, &schema);
    assert_eq!(codes(&insights), [Code::MixedTypes]);
    assert!(
        insights[0].message.contains("do not fit its type NUMERIC"),
        "{:?}",
        insights[0]
    );
}

fn given(text: &str, schema: &Schema) -> Vec<Insight> {
    let table = MemoryTable::new(text);
    inspect(&table, Some(schema), None, &Split::all(), &mut Silent)
        .unwrap()
        .insights
}

#[test]
fn words_and_numbers_for_missing() {
    let word = |word: &'static str| {
        with(600, "job", move |r, _| {
            if chance(r, 0.05) {
                word.into()
            } else {
                pick(r, &["teacher", "driver", "nurse", "painter"]).into()
            }
        })
    };
    let insight = the(&word("?"), Some("y"), Code::SuspiciousMissingWord);
    assert!(
        insight.message.starts_with("`?` stands on "),
        "{}",
        insight.message
    );
    the(&word("NA"), Some("y"), Code::SuspiciousMissingWord);
    for kept in ["none", "None", "unemployed"] {
        silent(&word(kept), Some("y"));
    }
    // Namibia among countries.
    let country = |r: &mut Stream, _: u64| pick(r, &["DE", "FR", "NA", "ZA", "US", "BR"]).to_string();
    silent(&with(600, "country", country), Some("y"));
    // In a column of numbers the word is taken for missing by itself.
    silent(
        &with(600, "size", |r, _| {
            if chance(r, 0.05) {
                "NA".into()
            } else {
                below(r, 90).to_string()
            }
        }),
        Some("y"),
    );
    let number = |sentinel: f64, count: u64| {
        with(600, "income", move |r, i| {
            if i % 60 == 3 && i < 60 * count {
                sentinel.to_string()
            } else {
                (1000 + below(r, 4000)).to_string()
            }
        })
    };
    for sentinel in [-9999.0, 99999.0] {
        let insight = the(&number(sentinel, 8), Some("y"), Code::SuspiciousMissingWord);
        assert!(
            insight.message.contains(&sentinel.to_string()),
            "{}",
            insight.message
        );
        assert_eq!(insight.evidence[0]["lines"][0], 5);
    }
    // Once or twice is a slip; near the others, or without nines, it is a number.
    silent(&number(99999.0, 2), Some("y"));
    silent(&number(5999.0, 8), Some("y"));
    silent(&number(80_000.0, 8), Some("y"));
    let hours = |r: &mut Stream, _: u64| {
        (20.0 + 80.0 * r.next_unit().powi(3))
            .min(99.0)
            .round()
            .to_string()
    };
    silent(&with(2000, "hours_per_week", hours), Some("y"));
}

#[test]
fn dates() {
    let day = |r: &mut Stream, _: u64| format!("2024-{:02}-{:02}", 1 + below(r, 12), 1 + below(r, 28));
    let text = with(400, "ordered", day);
    silent(&text, Some("y"));
    let mut schema = inspect_text(&text, Some("y")).unwrap().schema;
    // A given schema that does not say that they are dates.
    schema.attributes[0].date_format = None;
    let insights = given(&text, &schema);
    assert_eq!(codes(&insights), [Code::DatesAsCategories]);
    assert!(insights[0].message.contains("read as categories"), "{insights:?}");
    // With a format the dates are understood.
    schema.attributes[0].date_format = Some("%Y-%m-%d".into());
    assert!(given(&text, &schema).is_empty());
    let version = |r: &mut Stream, _: u64| format!("v{}.{}.{}", below(r, 3), below(r, 12), below(r, 28));
    silent(&with(400, "version", version), Some("y"));
}

#[test]
fn columns_that_say_the_same_or_nothing() {
    let twin = |slips: f64| {
        made(400, "euro,price,y", move |r, _| {
            let euro = below(r, 500);
            let price = if chance(r, slips) { euro + 1 } else { euro };
            format!("{euro},{price}.0,{}", below(r, 2))
        })
    };
    let insight = the(&twin(0.0), Some("y"), Code::DuplicateColumns);
    assert_eq!(
        (insight.columns[0].as_str(), &insight.evidence[0]["same_as"]),
        ("price", &"euro".into())
    );
    silent(&twin(0.01), Some("y"));

    let gaps = |share: f64| {
        with(400, "rate", move |r, _| {
            if chance(r, share) {
                String::new()
            } else {
                format!("{:.2}", normal(r))
            }
        })
    };
    let insight = the(&gaps(0.8), Some("y"), Code::ManyMissing);
    assert_eq!(insight.evidence[0]["examples"].as_array().unwrap().len(), 5);
    silent(&gaps(0.4), Some("y"));

    let nearly = |others: u64| {
        with(2000, "flag", move |_, i| {
            if i % 100 == 7 && i < 100 * others {
                "yes"
            } else {
                "no"
            }
            .into()
        })
    };
    let insight = the(&nearly(4), Some("y"), Code::NearConstantColumn);
    assert!(
        insight.message.contains("on all but 4 of 2000 rows"),
        "{}",
        insight.message
    );
    silent(&nearly(15), Some("y"));
    the(&nearly(0), Some("y"), Code::ConstantColumn);
    let insight = the(
        &with(100, "nothing", |_, _| String::new()),
        Some("y"),
        Code::EmptyColumn,
    );
    assert!(insight.message.contains("empty on every row"));
    silent(
        &with(100, "hardly", |r, i| {
            if i % 2 == 0 {
                String::new()
            } else {
                below(r, 9).to_string()
            }
        }),
        Some("y"),
    );
}

#[test]
fn identifiers_and_unknown_columns_of_a_given_schema() {
    let text = made(300, "order_id,size,y", |r, i| {
        format!("{},{:.2},{}", 5000 + i * 7, normal(r), below(r, 2))
    });
    silent(&text, Some("y"));
    let proposed = inspect_text(&text, Some("y")).unwrap().schema;
    assert!(given(&text, &proposed).is_empty());
    let mut schema = proposed.clone();
    schema.row_id = None;
    let insights = given(&text, &schema);
    assert_eq!(codes(&insights), [Code::IdentifierAsFeature]);
    assert_eq!(insights[0].columns, ["order_id"]);
    let mut schema = proposed;
    schema.attributes.remove(1);
    let insights = given(&text, &schema);
    assert_eq!(codes(&insights), [Code::NotInSchema]);
    // A measure without repeats is no identifier.
    let mut all = inspect_text(&text, Some("y")).unwrap().schema;
    all.excluded.clear();
    assert!(given(&text, &all).is_empty());
}

#[test]
fn messages_hold_no_control_characters() {
    let odd = with(200, "si\u{7}ze", |r, i| {
        if i == 3 {
            "\u{1b}[2J".into()
        } else {
            below(r, 90).to_string()
        }
    });
    let insight = the(&odd, Some("y"), Code::MixedTypes);
    assert!(
        !insight.message.contains(char::is_control),
        "{:?}",
        insight.message
    );
    assert_eq!(insight.evidence[0]["examples"][0]["value"], "\u{1b}[2J");
}

/// Hundreds of bad columns are one warning that names five.
#[test]
fn many_columns_are_one_insight() {
    let header: Vec<String> = (0..300).map(|i| format!("c{i}")).collect();
    let line = ["7"; 300].join(",");
    let text = made(60, &format!("{},x,y", header.join(",")), |r, _| {
        format!("{line},{:.2},{}", normal(r), below(r, 2))
    });
    let insight = the(&text, Some("y"), Code::ConstantColumn);
    assert_eq!(
        (insight.count, insight.columns.len(), insight.evidence.len()),
        (300, 5, 5)
    );
    assert!(
        insight.message.ends_with("`c4` and 295 more"),
        "{}",
        insight.message
    );
}

#[test]
fn the_most_important_comes_first_and_training_repeats_them() {
    let text = made(400, "verdict,empty,same,y", |r, _| {
        let y = chance(r, 0.4);
        format!("{},,7,{}", if y { "guilty" } else { "free" }, u8::from(y))
    });
    let insights = found(&text, Some("y"), &Split::all());
    assert_eq!(
        codes(&insights),
        [Code::TargetCopy, Code::ConstantColumn, Code::EmptyColumn]
    );
    let trained = train_text(&text, "y").unwrap();
    let messages: Vec<&String> = insights.iter().map(|insight| &insight.message).collect();
    assert_eq!(trained.warnings.iter().take(3).collect::<Vec<_>>(), messages);
}

#[test]
fn threads_make_no_difference() {
    let text = clicks()
        + &clicks()
            .lines()
            .skip(1)
            .take(3000)
            .map(|line| format!("{line}\n"))
            .collect::<String>();
    let run = |threads: usize| {
        on_threads(threads, || {
            found(&text, Some("is_fraud"), &Split::training(30.0, 1))
        })
    };
    let (one, three) = (run(1), run(3));
    assert!(!one.is_empty());
    assert_eq!(one, three);
}

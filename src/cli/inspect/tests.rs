//! What is printed of a table in terminals of several widths.

use super::*;
use crate::ml::observe::Silent;
use crate::ml::pipeline::table::MemoryTable;

/// Long names, long values, numbers of many digits, words, and rows that cannot be read.
fn awkward() -> Inspection {
    let mut text =
        "a_column_with_a_really_very_long_name,amount in millionths,kind of customer,note,y\n".to_owned();
    for i in 0..400u32 {
        let kind = ["a person who buys for a small company", "retail", "n.k."][i as usize % 3];
        let note = format!("case w{} was handled by the office of the north", i * 7 % 211);
        let broken = if i == 50 { "\nonly one field" } else { "" };
        text.push_str(&format!(
            "{},{}.{:06},{kind},{note},{}{broken}\n",
            i / 7,
            i * 7919 % 997,
            i * 104_729 % 999_983,
            i % 2
        ));
    }
    inspect(
        &MemoryTable::new(text),
        None,
        Some("y"),
        &Split::all(),
        &mut Silent,
    )
    .unwrap()
}

#[test]
fn lines_fit_the_terminal() {
    let inspection = awkward();
    for width in [80, 110, 160] {
        let columns = inspection.statistics.columns.iter();
        let detailed = columns.map(|column| one(&inspection, column, width));
        for out in detailed.chain([whole(&inspection, width)]) {
            let longest = out.lines().map(|line| line.trim_end().chars().count()).max();
            assert!(longest <= Some(width), "{width}: {longest:?}\n{out}");
        }
    }
}

#[test]
fn a_narrow_terminal_shows_the_same_in_less_room() {
    let out = whole(&awkward(), 80);
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[2].starts_with("column  ") && lines[2].ends_with("values"),
        "{out}"
    );
    assert!(lines[3].starts_with("a_column_with_a"), "{out}");
    // Numbers keep a histogram, between the smallest and the largest.
    assert!(lines[4].contains('█') && lines[4].ends_with("996.7"), "{out}");
    // One line for each column, whatever its values are.
    assert_eq!(lines[8], "", "{out}");
}

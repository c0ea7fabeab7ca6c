//! Text for a terminal: cut, wrapped, and free of control characters.

use std::io::stdout;

use terminal_size::{Width, terminal_size_of};

use super::super::show;

/// Characters of a line where standard output is no terminal.
pub const WIDTH: usize = 110;
/// In a narrower terminal the tables cannot be read, so their lines go on in the next one.
const NARROWEST: usize = 60;
/// Longer lines of words are hard to read.
const WIDEST: usize = 160;
/// Characters that the last column of a table has at least.
const LAST: usize = 16;

/// Characters of a line: as many as the terminal has that standard output is, within reason.
pub fn width() -> usize {
    fitting(terminal_size_of(stdout()).map(|(Width(width), _)| width))
}

fn fitting(terminal: Option<u16>) -> usize {
    terminal.map_or(WIDTH, |width| usize::from(width).clamp(NARROWEST, WIDEST))
}

/// The text without control characters and with at most `most` characters.
pub fn cut(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).map(harmless).collect();
    if shown.chars().count() < text.chars().count() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// What a terminal obeys, such as escape sequences and changes of the direction of writing, is shown as a space.
fn harmless(c: char) -> char {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { ' ' } else { c }
}

/// The text in lines of at most `width` characters, the further ones indented.
pub fn wrapped(first: &str, text: &str, width: usize) -> String {
    let mut out = first.to_string();
    let indent = first.chars().count();
    for (index, line) in lines(text, width.saturating_sub(indent)).iter().enumerate() {
        if index > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
    }
    out.push('\n');
    out
}

/// The words of a text in lines of at most `width` characters; a longer word has a line of its own.
fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let word: String = word.chars().map(harmless).collect();
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.push_str(&word);
                used += 1 + length;
            }
            _ => {
                lines.push(word);
                used = length;
            }
        }
    }
    lines
}

/// Aligns the cells of rows in columns. The last column takes what is left of the width, and goes on below itself.
pub fn table(rows: &[Vec<String>], width: usize) -> String {
    let room = width.saturating_sub(last_column(rows)).max(LAST);
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut whole: Vec<Vec<String>> = Vec::new();
    for row in rows {
        match row.split_last() {
            // Spaces within a cell, as of bars, mean something; only what is too long is cut into words.
            Some((last, before)) if row.len() == count && last.chars().count() > room => {
                let mut cells = before.to_vec();
                for line in lines(last, room) {
                    cells.push(line);
                    whole.push(cells);
                    cells = vec![String::new(); before.len()];
                }
            }
            _ => whole.push(row.clone()),
        }
    }
    show::table(&whole)
}

/// Where the last column of a table begins.
pub fn last_column(rows: &[Vec<String>]) -> usize {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count() + 2).max().unwrap_or(0)
    };
    (0..count.saturating_sub(1)).map(widest).sum()
}

/// Counts as a line of bars, the largest as the highest one.
pub fn bars(counts: &[u64]) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let peak = counts.iter().copied().max().unwrap_or(0).max(1);
    // Anything at all shows as the lowest bar at least.
    let bar = |count: &u64| BARS[(u128::from(*count) * 8).div_ceil(u128::from(peak)) as usize];
    counts.iter().map(bar).collect()
}

/// A horizontal bar of at most `width` characters for a share of the largest one.
pub fn bar(count: u64, peak: u64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count as f64 / peak.max(1) as f64 * (8 * width) as f64).round() as usize;
    let eighths = eighths.clamp(usize::from(count > 0), 8 * width);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// A count as a percentage of all rows.
pub fn percent(count: u64, rows: u64) -> String {
    format!("{:.1} %", 100.0 * count as f64 / rows.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(cut("a\u{1b}[31mb\tc\u{202e}d", 30), "a [31mb c d");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(wrapped("- ", "a\u{7}b c", 40), "- a b c\n");
    }

    #[test]
    fn the_width_is_the_terminals() {
        let widths = [None, Some(80), Some(120), Some(0), Some(20), Some(400)].map(fitting);
        assert_eq!(widths, [110, 80, 120, 60, 60, 160]);
    }

    #[test]
    fn lines_keep_the_width() {
        let text = "word ".repeat(100);
        for width in [60, 80, 110] {
            let out = wrapped("warning  ", &text, width);
            assert!(
                out.lines()
                    .all(|line| (width - 5..=width).contains(&line.len()) || line.ends_with("word"))
            );
            assert!(out.lines().all(|line| line.len() <= width));
            assert!(out.lines().skip(1).all(|line| line.starts_with("         word")));
        }
    }

    #[test]
    fn the_last_column_goes_on_below_itself() {
        let rows = [["a", "x ▁  ▂"], ["long", "one two three four five"]]
            .map(|row| row.map(str::to_string).to_vec());
        assert_eq!(last_column(&rows), 6);
        assert_eq!(
            table(&rows, 24),
            "a     x ▁  ▂\nlong  one two three four\n      five\n"
        );
        assert_eq!(table(&rows, 80), "a     x ▁  ▂\nlong  one two three four five\n");
    }

    #[test]
    fn bars_by_hand() {
        assert_eq!(bars(&[0, 1, 8, 4]), " ▁█▄");
        assert_eq!(
            (bar(4, 8, 4), bar(1, 64, 4), bar(0, 8, 4)),
            ("██".into(), "▏".into(), "".into())
        );
        assert_eq!(bars(&[u64::MAX]), "█");
    }
}

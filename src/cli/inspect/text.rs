//! Text for a terminal: cut, wrapped, and free of control characters.

/// Columns of the terminal that are used at most.
pub const WIDTH: usize = 110;

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

/// The text in lines of at most [`WIDTH`] characters, the further ones indented.
pub fn wrapped(first: &str, text: &str) -> String {
    let mut out = first.to_string();
    let indent = " ".repeat(first.chars().count());
    let mut used = indent.len();
    for (index, word) in text.split_whitespace().enumerate() {
        let word: String = word.chars().map(harmless).collect();
        let length = word.chars().count();
        if index > 0 && used + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&indent);
            used = indent.len();
        } else if index > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
        used += length;
    }
    out.push('\n');
    out
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
        assert_eq!(wrapped("- ", "a\u{7}b c"), "- a b c\n");
    }

    #[test]
    fn lines_keep_the_width() {
        let text = "word ".repeat(100);
        let out = wrapped("warning  ", &text);
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(out.lines().skip(1).all(|line| line.starts_with("         word")));
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

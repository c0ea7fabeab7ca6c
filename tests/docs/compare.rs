//! Whether a command printed what the page shows.

/// Stands for anything: as a line of its own for any number of lines, within a line for any text.
const ANYTHING: char = '…';

/// Whether the lines that were printed are those expected.
pub fn agree(expected: &[String], printed: &[String]) -> bool {
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    for line in expected {
        if line.trim() == ANYTHING.to_string() {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(line.as_str());
        }
    }
    let starts = |part: &[&str], at: usize| {
        part.len() <= printed.len() - at && part.iter().zip(&printed[at..]).all(|(want, got)| line(want, got))
    };
    let (first, rest) = (&parts[0], &parts[1..]);
    if printed.len() < first.len() || !starts(first, 0) {
        return false;
    }
    let Some((last, middle)) = rest.split_last() else {
        return printed.len() == first.len();
    };
    let mut at = first.len();
    for part in middle {
        match (at..=printed.len()).find(|at| starts(part, *at)) {
            Some(found) => at = found + part.len(),
            None => return false,
        }
    }
    let end = printed.len().checked_sub(last.len());
    end.is_some_and(|end| end >= at && starts(last, end))
}

/// Whether one line is as expected.
fn line(expected: &str, printed: &str) -> bool {
    let (expected, printed) = (expected.trim_end(), printed.trim_end());
    let mut parts = expected.split(ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let same = |expected: &str, printed: &str| agree(&lines(expected), &lines(printed));
    assert!(same("a\nb", "a\nb"));
    assert!(!same("a\nb", "a\nb\nc"));
    assert!(!same("a\nb", "a"));
    assert!(same("a\n…", "a\nb\nc"));
    assert!(same("a\n…", "a"));
    assert!(same("a\n…\nc", "a\nb\nc"));
    assert!(!same("a\n…\nc", "a\nb\nd"));
    assert!(same("…\nb\n…\nd", "a\nb\nc\nd"));
    assert!(!same("…\nd\n…\nb", "a\nb\nc\nd"));
    assert!(same("took … s, …", "took 1.5 s, 3 rows"));
    assert!(!same("took … s", "took 1.5 minutes"));
    assert!(!same("", "something"));
    assert!(same("", ""));
}

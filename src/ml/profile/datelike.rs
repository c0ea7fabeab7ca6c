//! A cheap look at whether a text is written like a date. What date it is, is not asked.

/// True for `2024-03-01`, `1.3.24`, `03/01/2024 10:30`, `2024-03-01T10:30:00Z`, `1 Mar 2024` and the like.
pub fn looks_like_date(text: &str) -> bool {
    let text = text.trim();
    if text.len() < 6 || text.len() > 40 || !text.is_ascii() {
        return false;
    }
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    is_numeric_day(day) || has_month_name(text)
}

/// Three numbers between equal separators, one of them a plausible year.
fn is_numeric_day(day: &str) -> bool {
    ['-', '/', '.'].into_iter().any(|separator| {
        let parts: Vec<&str> = day.split(separator).collect();
        let [first, second, third] = parts[..] else {
            return false;
        };
        let small = |part: &str, most: u32| {
            part.len() <= 2 && part.parse().is_ok_and(|n: u32| (1..=most).contains(&n))
        };
        let year = |part: &str| match part.len() {
            4 => part.parse().is_ok_and(|n: u32| (1800..2200).contains(&n)),
            2 => part.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        let month_and_day =
            |a: &str, b: &str| (small(a, 12) && small(b, 31)) || (small(a, 31) && small(b, 12));
        (first.len() == 4 && year(first) && month_and_day(second, third))
            || (year(third) && month_and_day(first, second))
    })
}

/// A day, the name of a month and a year, in any order.
fn has_month_name(text: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let pieces: Vec<&str> = text
        .split([' ', '-', '/', ',', '.'])
        .filter(|piece| !piece.is_empty())
        .collect();
    let is_month = |piece: &&str| {
        let start = piece.get(..3).map(str::to_ascii_lowercase);
        piece.len() <= 9 && start.is_some_and(|start| MONTHS.contains(&start.as_str()))
    };
    let number =
        |piece: &&str, low: u32, high: u32| piece.parse().is_ok_and(|n: u32| (low..=high).contains(&n));
    (3..=6).contains(&pieces.len())
        && pieces.iter().take(3).any(is_month)
        && pieces.iter().take(3).any(|piece| number(piece, 1, 31))
        && pieces.iter().any(|piece| number(piece, 1800, 2200))
}

#[cfg(test)]
mod tests {
    use super::looks_like_date;

    #[test]
    fn dates_and_what_is_none() {
        for text in [
            "2024-03-01",
            "1.3.24",
            "03/01/2024 10:30",
            "2024-03-01T10:30:00Z",
            "31/12/1999",
            "1 Mar 2024",
            "Mar 1, 2024",
            "01-Mar-2024",
        ] {
            assert!(looks_like_date(text), "{text}");
        }
        for text in [
            "",
            "12.5",
            "10.0.0.1",
            "53.231.234",
            "555-12-9999",
            "v1.2.3",
            "2024",
            "20240301",
            "pub-1-2",
            "may the force be with you",
            "99/99/9999",
            "Mark 12",
        ] {
            assert!(!looks_like_date(text), "{text}");
        }
    }
}

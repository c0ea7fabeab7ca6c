//! Sizes, durations and other values as people write them.

use std::net::SocketAddr;
use std::time::Duration;

/// Reads a size such as `512`, `64KiB`, `1.5GB` or `50GiB` as bytes. `K`, `M`, `G` and `T` alone
/// count in 1024s.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write a number and a unit, such as 512MiB or 50GiB");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor: f64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1024.0 * 1024.0,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let bytes = number * factor;
    // Above 2^53 a byte more or less could not be said; nobody has that many.
    if (0.0..=9e15).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err(wrong())
    }
}

/// Reads a duration such as `500ms`, `30s`, `2m`, `1.5h` or `1d`; a bare number is in seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a duration; write a number and a unit, such as 500ms, 30s, 2m or 1h");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1e3,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        "d" => number * 86_400.0,
        _ => return Err(wrong()),
    };
    // A century is long enough, and far from overflow when added to a clock.
    if (0.0..=3.2e9).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(wrong())
    }
}

/// Reads yes or no.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        other => Err(format!("`{other}` is neither true nor false")),
    }
}

/// Reads a whole number.
pub fn parse_count(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a whole number"))
}

/// Reads a number of requests, at least 1.
pub fn parse_places(text: &str) -> Result<usize, String> {
    match parse_count(text)? {
        0 => Err("at least 1 request must be allowed".to_owned()),
        // The most that a semaphore of the async runtime can hold.
        count => Ok(count.min(usize::MAX >> 3)),
    }
}

/// Reads a duration that is not 0.
pub fn parse_wait(text: &str) -> Result<Duration, String> {
    let wait = parse_duration(text)?;
    if wait.is_zero() {
        Err("must be longer than 0 s".to_owned())
    } else {
        Ok(wait)
    }
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

/// Reads an address and port; `localhost` is 127.0.0.1.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| format!("`{text}` is not an address and port, such as 127.0.0.1:8080 or [::1]:8080"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("64KiB", 65_536),
            ("64 kb", 64_000),
            ("1.5G", 1_610_612_736),
            ("50GiB", 53_687_091_200),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "GiB", "-1", "5 elephants", "1e999", "99999999TiB", "1.2.3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("30", 30_000),
            ("500ms", 500),
            ("0s", 0),
            ("1.5m", 90_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "s", "-1s", "1 fortnight", "1e99", "99999999999999h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}

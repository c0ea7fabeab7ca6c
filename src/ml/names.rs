//! What the name of a column tells about its values. Languages other than English count where the words are common.

/// Names that usually mean a row's identity, as the last part of the name.
const ID_NAMES: [&str; 7] = ["id", "uuid", "guid", "uid", "index", "rowid", "key"];
/// Names whose numbers are codes.
const CODE_NAMES: [&str; 7] = ["zip", "zipcode", "postal", "postcode", "plz", "zip5", "fips"];
/// Parts of names under which `20240131` is a day.
const DAY_NAMES: [&str; 12] = [
    "day", "dt", "date", "dob", "birthday", "datum", "tag", "fecha", "data", "jour", "dia", "ymd",
];
/// Parts of names under which a large number counts from 1970.
const EPOCH_NAMES: [&str; 10] = [
    "time",
    "timestamp",
    "datetime",
    "ts",
    "epoch",
    "unix",
    "unixtime",
    "at",
    "date",
    "utc",
];

/// Whether a part of a name means a code, as in `zip code`.
pub fn means_code(name: &str) -> bool {
    has_part(name, &CODE_NAMES, None)
}

/// Whether the last part of a name means a row's identity, as in `order_id`.
pub fn means_identity(name: &str) -> bool {
    parts(name)
        .last()
        .is_some_and(|part| ID_NAMES.contains(&part.as_str()))
}

/// Whether a part of a name means a day, as in `birthday` or `saledate`.
pub fn means_day(name: &str) -> bool {
    has_part(name, &DAY_NAMES, Some("date"))
}

/// Whether a part of a name means a moment, as in `created_at`.
pub fn means_moment(name: &str) -> bool {
    has_part(name, &EPOCH_NAMES, Some("timestamp"))
}

fn has_part(name: &str, known: &[&str], end: Option<&str>) -> bool {
    parts(name)
        .iter()
        .any(|part| known.contains(&part.as_str()) || end.is_some_and(|end| part.ends_with(end)))
}

/// `orderId`, `order_id` and `Order ID` are all `[order, id]`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            parts.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(part) = parts.last_mut()
        {
            part.extend(c.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_parts() {
        for name in ["orderId", "order_id", "Order ID", "ID", "uuid"] {
            assert!(means_identity(name), "{name}");
        }
        for name in ["idle", "id_kind", "paid", ""] {
            assert!(!means_identity(name), "{name}");
        }
        assert!(means_code("zip code") && means_code("ZIP") && !means_code("zipper"));
        assert!(means_day("saledate") && means_day("Day sold") && !means_day("short"));
        assert!(means_moment("created_at") && !means_moment("attic"));
    }
}

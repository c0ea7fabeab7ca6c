//! Sentences that every report may carry.

/// Fewer records than this leave resampled intervals rough.
const FEW_RECORDS: u64 = 30;

/// Notes on how many records there are and how many were left out.
pub fn common(records: u64, skipped: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if skipped > 0 {
        let (what, verb) = if skipped == 1 {
            ("record", "was")
        } else {
            ("records", "were")
        };
        notes.push(format!(
            "{skipped} {what} {verb} left out because a prediction or the truth is not a usable number."
        ));
    }
    if records == 0 {
        notes.push("No metric is defined: there are no records to evaluate.".to_string());
    } else if records < FEW_RECORDS {
        notes.push(format!(
            "The intervals are rough: they rest on fewer than {FEW_RECORDS} records."
        ));
    }
    notes
}

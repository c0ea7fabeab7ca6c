//! When each error happens, in words for people: the page of error codes is made from this table and from the tables
//! of codes, which say what a program needs to know.

/// The cause of a code that no part of this version answers with; the code stays reserved.
pub const RESERVED: &str = "";

/// When `code` happens; nothing for an unknown code.
pub fn find(code: &str) -> Option<&'static str> {
    CAUSES.iter().find(|row| row.0 == code).map(|row| row.1)
}

/// Code and cause, in the order of the table of codes. One line each, so that it reads as a table.
#[rustfmt::skip]
pub const CAUSES: &[(&str, &str)] = &[
    ("invalid_input", "several fields are wrong, or one in a way that has no code of its own"),
    ("not_found", "the address is right, but there is nothing of that name, or it was deleted"),
    ("already_exists", RESERVED),
    ("wrong_state", "it has not ended, has failed or was deleted, and what was asked for needs another state"),
    ("parameter_mismatch", "an identifier names one request for ever, also after it was deleted; this is another request"),
    ("too_large", "the body is larger than this address takes"),
    ("limit_exceeded", RESERVED),
    ("throttled", "as many large bodies are being answered as the server has places for"),
    ("unauthenticated", "the server has keys, and the request names none"),
    ("forbidden", RESERVED),
    ("unavailable", "the catalogue does not answer"),
    ("internal", "something that should not happen, or the database is older or newer than the program"),
    ("invalid_json", "a bracket, quote or comma is missing or too many; NaN is no JSON either"),
    ("missing_field", "a field that the request needs is not there"),
    ("unknown_field", "the request has a field that this address does not know"),
    ("duplicate_field", "an object has the same name twice, and it is not clear which one counts"),
    ("invalid_value", "a field has the wrong type, or a value out of its range"),
    ("invalid_parameter", "a parameter has a value that it cannot have"),
    ("goal_unreachable", "no threshold reaches the precision, recall or number that was asked for"),
    ("unknown_parameter", "the address has a query parameter that it does not know"),
    ("invalid_id", "the identifier is empty, too long, or has other characters than the allowed ones"),
    ("invalid_cursor", "the cursor is cut, or belongs to another list or another order"),
    ("unknown_reference", "a field names a dataset, data source, model or column that is not there"),
    ("empty_range", "the part of a dataset that was asked for has no bytes"),
    ("upload_interrupted", "the connection ended before the file did"),
    ("incomplete_body", "the connection ended before the body did"),
    ("empty_file", "the file has no bytes, or white space alone"),
    ("header_only", "the file ends after its first line"),
    ("invalid_row_weight", "the column of row weights is negative, no number or missing on a row, or 0 on all"),
    ("too_few_rows", "after holding out, fewer rows with a target are left than a model needs"),
    ("unknown_target", "the table has no column of the target's name"),
    ("no_target", "training was asked for without saying what to predict"),
    ("no_inputs", "every column but the target is empty, constant or an identifier"),
    ("nothing_to_evaluate", "no row of the evaluation has a target that the model knows"),
    ("target_empty", "no row has a value in the target"),
    ("one_class", "all rows to learn from have the same label"),
    ("constant_target", "all rows to learn from have the same number"),
    ("too_many_classes", "the target has more different values than `max_classes`, 100 if not given"),
    ("target_not_binary", "type binary was asked for, and there are more than two values"),
    ("target_not_numeric", "type regression was asked for, and a value is no number"),
    ("unknown_positive_label", "the label that was given as positive does not occur"),
    ("all_missing_column", RESERVED),
    ("no_features", RESERVED),
    ("duplicate_column", "two columns of the table, of the schema or of an output have one name"),
    ("unknown_column", "a column that was asked for is not in the table"),
    ("empty_line", "a line without anything lies between the rows of a batch"),
    ("json_lines", "inspecting, training and evaluating read CSV and Parquet only"),
    ("damaged_parquet", "the file is cut off, was changed, or contradicts itself"),
    ("different_columns", "the Parquet files below one location do not have the same columns"),
    ("unsupported_parquet", "a column has a nested or unusual type, or pages are packed in a way that is not read"),
    ("not_an_object", "a line of JSON is a number, a text or a list"),
    ("nested_value", "a member of a JSON line is itself an object or a list"),
    ("ragged_row", "a row has more or fewer fields than the header"),
    ("row_too_long", "a row is longer than the limit, mostly because a quote was not closed"),
    ("unclosed_quote", "the file ends within quotes"),
    ("not_text", "the file is a spreadsheet, an archive, an image or the like"),
    ("invalid_utf8", "the text has another encoding, such as Latin-1"),
    ("damaged_compression", "the gzip or zstd data end early or do not match their checksum"),
    ("bad_number", RESERVED),
    ("too_many_bad_rows", "more than 10,000 rows cannot be read, or all of them, or, where no schema says what the columns are, more than half"),
    ("invalid_schema", "the schema is no JSON of the right form, or contradicts itself"),
    ("schema_mismatch", "schema and table, or model and data, have different columns or targets"),
    ("invalid_recipe", "a function, a name or a type in the recipe is wrong; every mistake is listed"),
    ("invalid_split", "the split names no such column or strategy, or a part of it is empty"),
    ("invalid_location", "the location lies outside of the folders that the server may read"),
    ("data_not_found", "the location is allowed, and there is no file"),
    ("checksum_mismatch", "the bytes that arrived at the S3 door are not those that the client has summed up"),
    ("invalid_part", "an upload in parts is completed with a part that was not sent, or with another content"),
    ("invalid_part_order", "an upload in parts is completed with its parts out of order"),
    ("part_too_small", "a part of an upload that is not the last has less than 5 MiB"),
    ("bucket_refused", "the file of connections says that nobody may use the bucket"),
    ("bucket_read_only", "the file of connections says that nothing is written to the bucket"),
    ("bucket_denied", "the store answered that the key in the connections may not do this, or is none"),
    ("bucket_missing", "the store answered that it has no bucket of the name in the connections"),
    ("invalid_query", "the query is no single one that only reads, or the database does not understand it"),
    ("no_rows", "the query was answered without a row"),
    ("database_unknown", "`connections.toml` has no database of this name"),
    ("database_refused", "the database does not let this user in, or not to this database"),
    ("query_too_slow", "the query ran for longer than `timeout_seconds` of its connection"),
    ("source_changed", "a file is not the one that the data source was made from"),
    ("not_finite", "numbers of the data are so large that sums overflow"),
    ("not_a_model", "the file does not begin as a model does"),
    ("model_damaged", "the checksum of the model file does not match"),
    ("model_too_new", "a later version of the program wrote the model"),
    ("golden_row_differs", "the rows that a model carries to check itself get another score than they had"),
    ("not_certified", RESERVED),
    ("dataset_replaced", "the identifier was used for the same request, on an older version of the dataset"),
    ("revision_mismatch", "`If-Match` names a state that is not the present one: somebody else was faster"),
    ("in_use", "something that was not deleted needs it, or an alias means it"),
    ("dependency_failed", "the data source or model that this waits for did not complete"),
    ("cancelled", "somebody asked for it with `…/cancel`"),
    ("not_mounted", "Amazon's `Predict` needs an endpoint, and the model has none that is ready"),
    ("too_many_tags", "a thing has as many tags as Amazon's protocol allows"),
    ("invalid_key", "the key is unknown or was revoked"),
    ("invalid_signature", "the signature was made with another secret or for another request, or the clocks differ by more than 15 minutes"),
    ("foreign_origin", "a web page of another origin made the browser send the request"),
    ("invalid_link", "a link to a log was changed, or was signed by another installation"),
    ("link_expired", "a link to a log is older than an hour"),
    ("foreign_host", "the request names another host than the loopback ones, as pages do that mean to trick a browser"),
    ("timeout", "the answer took longer than `YOSOKU_REQUEST_TIMEOUT`"),
    ("overloaded", "`YOSOKU_MAX_REQUESTS` requests are being answered"),
    ("upload_stalled", "the client sent nothing, or almost nothing, for too long"),
    ("keys_unreadable", "the file of keys is broken or may not be read; nobody is let in"),
    ("shutting_down", RESERVED),
    ("stopped", "the process was told to stop while it worked"),
    ("not_enough_memory", "the plan of a training does not fit into the memory that is allowed"),
    ("not_enough_disk", RESERVED),
    ("read_failed", "the system or the store broke off while data were read"),
    ("write_failed", "the system refused to write a result"),
    ("database_unreachable", "the database does not answer at its address, or broke off"),
    ("storage_unavailable", "the folder or the store of files does not answer"),
    ("disk_full", "a write found no space"),
    ("spill_failed", "the folder for rows that do not fit into memory cannot be written or read"),
    ("file_missing", "the catalogue knows a file that is not in the home, as after restoring half a backup"),
    ("learner_failed", "the numbers of a training broke the solver"),
    ("attempts_exhausted", "the job ended its process, or lost its worker, several times"),
    ("unknown_route", "no operation has this path"),
    ("method_not_allowed", "the path is right and the method is not"),
    ("unsupported_media", "the body has no Content-Type, or one that is not read here"),
    ("range_not_satisfiable", "the `Range` begins behind the end of the file"),
    ("bad_request", "the request is no HTTP that can be answered"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::http::rest::problem::PROTOCOL_CODES;
    use crate::service::codes::{CODES, Class};

    /// What all files but tests and the tables themselves say.
    fn sources(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                sources(&path, text);
            } else if name.ends_with(".rs") && !["tests.rs", "codes.rs", "causes.rs"].contains(&name.as_str())
            {
                let file = std::fs::read_to_string(&path).unwrap();
                text.push_str(file.split("#[cfg(test)]\nmod tests {").next().unwrap());
            }
        }
    }

    #[test]
    fn every_code_has_its_cause_and_cure() {
        let codes = CODES.iter().map(|row| (row.code, row.hint));
        let codes: Vec<_> = codes
            .chain(PROTOCOL_CODES.iter().map(|row| (row.0, row.3)))
            .collect();
        let listed: Vec<&str> = CAUSES.iter().map(|row| row.0).collect();
        let known: Vec<&str> = codes.iter().map(|row| row.0).collect();
        assert_eq!(listed, known, "causes and codes, in the same order");
        for (code, hint) in codes {
            assert!(
                find(code) == Some(RESERVED) || !hint.is_empty(),
                "{code} has no hint"
            );
        }
    }

    #[test]
    fn what_is_reserved_is_not_used_and_the_rest_is() {
        let mut text = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
        // Some general codes are what an error is called that nothing makes: their name stands there all the same.
        let general = |code: &str, class: Class| {
            CODES
                .iter()
                .find(|row| row.class == class)
                .is_some_and(|first| first.code == code)
        };
        for row in CODES.iter().filter(|row| !general(row.code, row.class)) {
            let used = text.contains(&format!("\"{}\"", row.code));
            assert_eq!(used, find(row.code) != Some(RESERVED), "{} is used", row.code);
        }
    }
}

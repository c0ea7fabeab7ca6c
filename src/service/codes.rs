//! Every error code in one table, so that documentation, façades and tests can enumerate them.
//!
//! A code is a promise: programs branch on it. Codes are added and never renamed. The message of
//! an error says what happened this time; the table says what the code means always.

/// What a caller can do about an error; each class has one status per protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request or the data it names is wrong: change it.
    InvalidInput,
    /// The thing named does not exist.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The thing exists, in a state that does not allow this.
    WrongState,
    /// The identifier was used before, for a different request.
    ParameterMismatch,
    /// The request is larger than allowed.
    TooLarge,
    /// A quota is used up: free something first.
    LimitExceeded,
    /// Too many requests at once: slow down and repeat.
    Throttled,
    /// The caller has not said who they are.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// Not possible now: repeat later.
    Unavailable,
    /// Our fault.
    Internal,
}

/// One stable code.
#[derive(Debug, Clone, Copy)]
pub struct ErrorCode {
    /// The code as it is sent.
    pub code: &'static str,
    /// What the caller can do.
    pub class: Class,
    /// A short name, the same each time.
    pub title: &'static str,
    /// How the error is usually mended; empty for a code that is only reserved.
    pub hint: &'static str,
}

const fn row(code: &'static str, class: Class, title: &'static str, hint: &'static str) -> ErrorCode {
    ErrorCode {
        code,
        class,
        title,
        hint,
    }
}

/// The row of `code`, if the code is a known one.
pub fn find(code: &str) -> Option<&'static ErrorCode> {
    CODES.iter().find(|row| row.code == code)
}

/// All codes, the general one of each class first. One line each, so that it reads as a table.
#[rustfmt::skip]
pub const CODES: &[ErrorCode] = &[
    row("invalid_input", Class::InvalidInput, "invalid input", "see `errors` for each field"),
    row("not_found", Class::NotFound, "not found", "list the resource to see what exists"),
    row("already_exists", Class::AlreadyExists, "already exists", "choose another identifier, or leave it out to get a new one"),
    row("wrong_state", Class::WrongState, "wrong state", "read the resource's `status` and `message` first"),
    row("parameter_mismatch", Class::ParameterMismatch, "identifier used for another request", "repeat the first request exactly, or choose another identifier"),
    row("too_large", Class::TooLarge, "too large", "send less at once, or raise the limit where the server is started"),
    row("limit_exceeded", Class::LimitExceeded, "limit exceeded", "delete or finish something first"),
    row("throttled", Class::Throttled, "too many requests", "wait as long as Retry-After says, then repeat"),
    row("unauthenticated", Class::Unauthenticated, "key needed", "send `Authorization: Bearer <key>`; `yosoku key new` makes a key"),
    row("forbidden", Class::Forbidden, "forbidden", ""),
    row("unavailable", Class::Unavailable, "unavailable", "repeat in a moment"),
    row("internal", Class::Internal, "internal error", "the server's log has the cause under the request id"),
    // What a request can get wrong.
    row("invalid_json", Class::InvalidInput, "the body is not JSON", "check the body with a JSON parser at the line and column named"),
    row("missing_field", Class::InvalidInput, "a field is missing", "add the field that `errors` names"),
    row("unknown_field", Class::InvalidInput, "unknown field", "compare the spelling with the reference at /docs"),
    row("duplicate_field", Class::InvalidInput, "a field is given twice", "leave one of the two out"),
    row("invalid_value", Class::InvalidInput, "a value does not fit", "look at the field that `errors` names, and at what the message says of it"),
    row("invalid_parameter", Class::InvalidInput, "invalid parameter", "compare it with the reference at /docs"),
    row("goal_unreachable", Class::InvalidInput, "no threshold does that", "ask for less, or evaluate on more records"),
    row("unknown_parameter", Class::InvalidInput, "unknown query parameter", "compare the spelling with the reference at /docs"),
    row("invalid_id", Class::InvalidInput, "invalid identifier", "use letters, digits, `-`, `_` and `.`"),
    row("invalid_cursor", Class::InvalidInput, "invalid cursor", "use `next_cursor` of the page before with the same query, or start again without a cursor"),
    row("unknown_reference", Class::InvalidInput, "something named does not exist", "make it first, or list the resource to see what exists"),
    row("empty_range", Class::InvalidInput, "no such range", "ask for bytes within the size of the file"),
    row("upload_interrupted", Class::InvalidInput, "the upload broke off", "send the file again"),
    row("incomplete_body", Class::InvalidInput, "the body ended early", "send it again"),
    // What data can get wrong.
    row("empty_file", Class::InvalidInput, "the file is empty", "check that the upload or export worked"),
    row("header_only", Class::InvalidInput, "there are no rows", "check that the export wrote its rows below the header"),
    row("invalid_row_weight", Class::InvalidInput, "a row does not say how much it counts", "give a number of 0 or more on every row, or leave the weights out"),
    row("too_few_rows", Class::InvalidInput, "too few rows", "bring more data"),
    row("unknown_target", Class::InvalidInput, "unknown target column", "name one of the columns of the header"),
    row("no_target", Class::InvalidInput, "no target", "name the column to predict"),
    row("no_inputs", Class::InvalidInput, "no column to learn from", "bring a column that varies, or give a schema that includes one"),
    row("nothing_to_evaluate", Class::InvalidInput, "no row to evaluate on", "use data that have the target, or hold out more rows"),
    row("target_empty", Class::InvalidInput, "the target is missing", "remove the rows without a target, or choose another target"),
    row("one_class", Class::InvalidInput, "only one class", "a model needs examples of at least two labels"),
    row("constant_target", Class::InvalidInput, "the target never changes", "there is nothing to predict; choose another target"),
    row("too_many_classes", Class::InvalidInput, "too many classes", "choose regression, or group rare labels"),
    row("target_not_binary", Class::InvalidInput, "the target has more than two values", "choose multiclass, or another target"),
    row("target_not_numeric", Class::InvalidInput, "the target is not a number", "choose multiclass, or another target"),
    row("unknown_positive_label", Class::InvalidInput, "no such label", "name one of the two values of the target"),
    row("all_missing_column", Class::InvalidInput, "a column has no values", "leave the column out with a schema"),
    row("no_features", Class::InvalidInput, "nothing to learn from", "at least one column besides the target must vary"),
    row("duplicate_column", Class::InvalidInput, "duplicate column name", "rename one of the columns"),
    row("unknown_column", Class::InvalidInput, "unknown column", "name one of the columns of the header"),
    row("empty_line", Class::InvalidInput, "a line between the rows is empty", "remove it, or leave it: it has a line in the output"),
    row("json_lines", Class::InvalidInput, "the file holds JSON lines, where only CSV is read", "convert it to CSV; batch predictions read JSON lines"),
    row("damaged_parquet", Class::InvalidInput, "the Parquet file is damaged", "write or copy it again, and send it again"),
    row("different_columns", Class::InvalidInput, "files of one table have different columns", "write them with the same columns, or put them into folders of their own"),
    row("unsupported_parquet", Class::InvalidInput, "the Parquet file holds what cannot be read", "write it again as the message says"),
    row("not_an_object", Class::InvalidInput, "a JSON line is no object", "write each record as an object on a line of its own"),
    row("nested_value", Class::InvalidInput, "a JSON line holds an object or a list as a value", "give texts, numbers, true, false or null"),
    row("ragged_row", Class::InvalidInput, "rows of different length", "look for missing quotes or delimiters at the line named"),
    row("row_too_long", Class::InvalidInput, "a row is too long", "look for an unclosed quote before the line named"),
    row("unclosed_quote", Class::InvalidInput, "a quote is never closed", "close the quote on the line named, or double it inside a quoted field"),
    row("not_text", Class::InvalidInput, "the file is not a table of text", "save the table as CSV"),
    row("invalid_utf8", Class::InvalidInput, "the text is not UTF-8", "save the file as UTF-8"),
    row("damaged_compression", Class::InvalidInput, "the compressed data is damaged", "compress and send the file again"),
    row("bad_number", Class::InvalidInput, "not a number", "mend the value, or make the column categorical in the schema"),
    row("too_many_bad_rows", Class::InvalidInput, "too many rows cannot be read", "see `errors` for the first of them"),
    row("invalid_schema", Class::InvalidInput, "the schema is not valid", "take the one that `yosoku inspect --json` proposes, and change that"),
    row("schema_mismatch", Class::InvalidInput, "the data does not fit the schema", "compare the columns of the two; `yosoku inspect --json` shows the schema of a table"),
    row("invalid_recipe", Class::InvalidInput, "the recipe is not valid", "mend the places listed; `yosoku recipe check` tells them without a training"),
    row("invalid_split", Class::InvalidInput, "the split is not valid", "name a column of the table and a part that holds rows, or leave the split out"),
    row("invalid_location", Class::InvalidInput, "the location is not allowed", "use a dataset, or a file below a configured folder"),
    row("data_not_found", Class::InvalidInput, "there are no data at the location", "put the data there, or name another location"),
    row("checksum_mismatch", Class::InvalidInput, "the bytes are not those that were announced", "send them again"),
    row("invalid_part", Class::InvalidInput, "a part has not arrived", "upload the part again, and name it by the tag that comes back"),
    row("invalid_part_order", Class::InvalidInput, "parts are out of order", "name them in the order of their numbers"),
    row("part_too_small", Class::InvalidInput, "a part is too small", "all parts but the last have at least 5 MiB"),
    row("bucket_refused", Class::InvalidInput, "the bucket is not open for use", "name another bucket, or ask who runs the server"),
    row("bucket_read_only", Class::InvalidInput, "the bucket can only be read", "write to another bucket, or ask who runs the server"),
    row("bucket_denied", Class::InvalidInput, "the store of the bucket denies access", "whoever runs the server has to check the key in its connections and what that key may do"),
    row("bucket_missing", Class::InvalidInput, "the store has no such bucket", "whoever runs the server has to check `url`, `endpoint` and `region` in its connections"),
    row("invalid_query", Class::InvalidInput, "the query cannot be run", "try the query in a client of the database first"),
    row("no_rows", Class::InvalidInput, "the query gives no rows", "look at its conditions"),
    row("database_unknown", Class::InvalidInput, "no such database", "use a name from the server's `connections.toml`"),
    row("database_refused", Class::InvalidInput, "the database refuses the connection", "check user, password and the name of the database"),
    row("query_too_slow", Class::InvalidInput, "the query took too long", "ask for fewer rows, or have the operator raise `timeout_seconds`"),
    row("source_changed", Class::InvalidInput, "the data changed", "make a new data source from the data as it is now"),
    row("not_finite", Class::InvalidInput, "numbers out of bounds", "look for extreme values with inspect"),
    row("not_a_model", Class::InvalidInput, "not a model file", "give a file written by train"),
    row("model_damaged", Class::InvalidInput, "the model file is damaged", "copy it again, or train anew"),
    row("model_too_new", Class::InvalidInput, "the model file is newer than the program", "use a newer program"),
    row("golden_row_differs", Class::InvalidInput, "the model scores differently here", "train anew with this program"),
    row("not_certified", Class::InvalidInput, "no trustworthy model was found", "loosen the penalty, or see the solver report"),
    // What the state of things does not allow.
    row("dataset_replaced", Class::ParameterMismatch, "the dataset has other rows by now", "choose another identifier, or leave it out to get a new one"),
    row("revision_mismatch", Class::WrongState, "changed in the meantime", "read it again and repeat the change"),
    row("in_use", Class::WrongState, "in use", "delete what uses it first"),
    row("dependency_failed", Class::WrongState, "what this needs failed or was deleted", "mend what it needs, then create both again under other identifiers"),
    row("cancelled", Class::WrongState, "cancelled on request", "create it again, under another identifier, if it is wanted after all"),
    row("not_mounted", Class::WrongState, "the model has no endpoint that is ready", "create one, and wait until it is READY"),
    row("too_many_tags", Class::LimitExceeded, "too many tags", "remove some first"),
    // Who may call, from where.
    row("invalid_key", Class::Unauthenticated, "the key is not valid", "check for a typing error; `yosoku key list` shows which keys are revoked"),
    row("invalid_signature", Class::Unauthenticated, "the signature is not valid", "sign with the secret that `yosoku key new --amazon` has shown, and check the clock"),
    row("foreign_origin", Class::Forbidden, "request from a foreign page", "a server without keys answers programs and its own pages only"),
    row("invalid_link", Class::Forbidden, "no such link", "ask for the object again: its `LogUri` is a new link"),
    row("link_expired", Class::Forbidden, "the link has expired", "ask for the object again: its `LogUri` is a new link"),
    row("foreign_host", Class::Forbidden, "foreign host name", "a server without keys answers on localhost and on loopback addresses such as 127.0.0.1 and [::1] only"),
    // When the server cannot.
    row("timeout", Class::Unavailable, "the request took too long", "repeat it; large work belongs in a batch"),
    row("overloaded", Class::Unavailable, "too many requests at once", "wait as long as Retry-After says, then repeat"),
    row("upload_stalled", Class::Unavailable, "no data arrived for too long", "send the file again"),
    row("keys_unreadable", Class::Unavailable, "the key file cannot be read", "see the server's log"),
    row("shutting_down", Class::Unavailable, "the server is stopping", "repeat in a moment"),
    row("stopped", Class::Unavailable, "stopped before the end", "repeat it"),
    row("not_enough_memory", Class::LimitExceeded, "not enough memory", "give the server more memory (--memory), or train on fewer columns or features"),
    row("not_enough_disk", Class::LimitExceeded, "not enough disk", "free space in the home folder"),
    row("read_failed", Class::Unavailable, "the data cannot be read now", "repeat it; the message says where reading stopped"),
    row("write_failed", Class::Unavailable, "the result cannot be written now", "repeat it; the message says what the system answered"),
    row("database_unreachable", Class::Unavailable, "the database does not answer", "check that it runs and that the server may reach it"),
    row("storage_unavailable", Class::Unavailable, "the files cannot be reached now", "repeat in a moment"),
    row("disk_full", Class::Unavailable, "no space is left", "free space in the home folder, then repeat"),
    row("spill_failed", Class::Unavailable, "training rows cannot be kept on disk now", "repeat it; the message says what the system answered"),
    row("file_missing", Class::Internal, "a file of the service is missing", "restore the home folder from a backup, or make the thing anew"),
    row("learner_failed", Class::Internal, "the learner failed", "the server's log has the cause"),
    row("attempts_exhausted", Class::Internal, "given up after several attempts", "the server's log has the cause of each"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_and_titled() {
        let mut seen = HashSet::new();
        for row in CODES {
            assert!(seen.insert(row.code), "{} is listed twice", row.code);
            assert!(
                row.code
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()),
                "{}",
                row.code
            );
            assert!(!row.title.is_empty() && !row.title.ends_with('.'), "{}", row.code);
        }
    }

    #[test]
    fn every_class_has_its_general_code_first() {
        let mut seen = HashSet::new();
        let firsts: Vec<_> = CODES
            .iter()
            .filter(|row| seen.insert(row.class))
            .map(|row| row.code)
            .collect();
        let general = [
            "invalid_input",
            "not_found",
            "already_exists",
            "wrong_state",
            "parameter_mismatch",
            "too_large",
            "limit_exceeded",
            "throttled",
            "unauthenticated",
            "forbidden",
            "unavailable",
            "internal",
        ];
        assert_eq!(firsts, general);
    }
}

//! Schemas as text: what is read and written, and what is refused.

use super::*;

const TEXT: &str = r#"{"version":"1.0","rowId":"order_no","rowWeight":null,"targetAttributeName":"late","dataFormat":"CSV",
        "dataFileContainsHeader":true,"attributes":[{"attributeName":"order_no","attributeType":"CATEGORICAL"},
        {"attributeName":"km","attributeType":"NUMERIC","missingValues":["NA"]},{"attributeName":"note","attributeType":"TEXT"},
        {"attributeName":"late","attributeType":"BINARY"}],"excludedAttributeNames":["note"]}"#;

#[test]
fn reads_and_writes_the_same_schema() {
    let schema = Schema::from_json(TEXT).unwrap();
    assert_eq!(schema.target_index(), Some(3));
    assert_eq!(schema.inputs().collect::<Vec<_>>(), [1]);
    let again = Schema::from_json(&serde_json::to_string(&schema).unwrap()).unwrap();
    assert_eq!(again, schema);
}

#[test]
fn old_key_names_are_accepted() {
    let schema = Schema::from_json(
            r#"{"version":"1.0","targetFieldName":"y","dataFormat":"CSV","attributes":[{"fieldName":"y","fieldType":"BINARY"},
            {"fieldName":"x","fieldType":"NUMERIC"}],"excludedVariableNames":["x"]}"#,
        )
        .unwrap();
    assert_eq!(schema.target.as_deref(), Some("y"));
    assert_eq!(schema.excluded, ["x"]);
    assert!(!schema.data_file_contains_header);
}

#[test]
fn formats_of_dates_are_checked() {
    let with = |kind: &str, format: &str| {
        let attribute = format!(r#""km","attributeType":"{kind}","dateFormat":"{format}""#);
        Schema::from_json(&TEXT.replace(r#""km","attributeType":"NUMERIC""#, &attribute))
    };
    for (kind, format) in [
        ("CATEGORICAL", "%d.%m.%Y"),
        ("TEXT", "%F %T"),
        ("NUMERIC", "epoch_seconds"),
        ("CATEGORICAL", "epoch_milliseconds"),
    ] {
        let schema = with(kind, format).unwrap();
        assert_eq!(schema.attributes[1].date_format.as_deref(), Some(format));
        let again = Schema::from_json(&serde_json::to_string(&schema).unwrap()).unwrap();
        assert_eq!(again, schema);
    }
    for (kind, format, expected) in [
        (
            "CATEGORICAL",
            "%d.%m",
            "attribute `km` has the dateFormat `%d.%m`, which is unusable: it lacks the year; write it like",
        ),
        ("CATEGORICAL", "", "it must have 1 to 64 bytes"),
        (
            "NUMERIC",
            "%Y%m%d",
            "attribute `km` is NUMERIC and has the dateFormat `%Y%m%d`; only epoch",
        ),
        ("BINARY", "%F", "attribute `km` is BINARY"),
        ("BINARY", "epoch_seconds", "attribute `km` is BINARY"),
    ] {
        let error = with(kind, format).unwrap_err();
        assert_eq!(error.code(), "invalid_schema");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn mistakes_are_named() {
    let error = Schema::from_json(&TEXT.replace(
        "\"targetAttributeName\":\"late\"",
        "\"targetAttributeName\":\"lat\"",
    ))
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`lat` is given as the target, but no column is called that; did you mean `late`?"
    );
    assert_eq!(error.code(), "unknown_target");
    let twice = Schema::from_json(&TEXT.replace("\"km\"", "\"note\"")).unwrap_err();
    assert_eq!(twice, SchemaError::Duplicate("note".into()));
    assert!(
        Schema::from_json("{")
            .unwrap_err()
            .to_string()
            .contains("line 1 column")
    );
}

#[test]
fn every_attribute_that_is_wrong_is_named() {
    let told = |text: &str| Schema::from_json(text).unwrap_err().to_string();
    let message = told(
        r#"{"attributes":[{"attributeName":"a","attributeType":"NUMERICAL"},{"attributeName":"b"},7,
        {"attributeName":5,"attributeType":"text"},{"attributeName":"c","attributeType":"BLOB"}]}"#,
    );
    for part in [
        "attribute 1 (`a`) has the unknown attributeType `NUMERICAL`; did you mean NUMERIC?",
        "attribute 2 (`b`) has no attributeType; give one of BINARY",
        "attribute 3 is a number; give an object",
        "attribute 4: the attributeName is a number; give a text",
        "attribute 4 has the unknown attributeType `text`; did you mean TEXT?",
        "attribute 5 (`c`) has the unknown attributeType `BLOB`; the types are",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert!(told("[]").contains("a schema is a JSON object, and this is a list"));
    assert!(told(r#"{"attributes":{}}"#).contains("`attributes` is an object; give a list"));
    assert!(told("{}").contains("`attributes` is missing"));
    assert!(told("{").contains("line 1 column 1"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = TEXT
        .replace(r#""attributeName":"note""#, r#""attributeName":"km""#)
        .replace(
            r#""targetAttributeName":"late""#,
            r#""targetAttributeName":"lat""#,
        )
        .replace(r#""missingValues":["NA"]"#, r#""dateFormat":"%F""#);
    let error = Schema::from_json(&text).unwrap_err();
    assert_eq!(error.code(), "duplicate_column");
    let told = error.to_string();
    for expected in [
        "declares attribute `km` twice",
        "attribute `km` is NUMERIC and has the dateFormat `%F`",
        "`lat` is given as the target, but no column is called that; did you mean `late`?",
        "`note` is given as the excluded attribute",
    ] {
        assert!(told.contains(expected), "{told}");
    }
}

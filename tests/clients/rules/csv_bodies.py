"""Records as text/csv."""

from harness import equal, no_crash, ok, problem, refused, same_outcome, warned
from servers import main
from tables import IRIS_INPUTS, SHOP_COLUMNS, SHOP_INPUTS, SHOP_RECORD, csv_text

ROW = [str(SHOP_RECORD[name]) for name in SHOP_INPUTS]


def expected(context):
    return main(context).client().one("shop", SHOP_RECORD)


def rule_csv_with_a_header_equals_json(context):
    first, second = main(context).client().csv("shop", csv_text(SHOP_INPUTS, [ROW, ROW]))
    same_outcome(first, expected(context))
    same_outcome(second, expected(context))


def rule_csv_always_answers_predictions(context):
    answer = ok(main(context).client().predict("shop", csv_text(SHOP_INPUTS, [ROW]), type="text/csv"))
    assert "predictions" in answer and "prediction" not in answer, f"keys: {list(answer)}"
    equal((answer["model"], answer["type"]), ("shop", "binary"), "model and type")


def rule_csv_columns_of_a_header_may_come_in_any_order(context):
    names = SHOP_INPUTS[::-1]
    only, = main(context).client().csv("shop", csv_text(names, [[str(SHOP_RECORD[name]) for name in names]]))
    same_outcome(only, expected(context))


def rule_csv_without_header_is_in_column_order(context):
    client = main(context).client()
    for row in (ROW, ROW[:3] + ["stays"] + ROW[3:]):
        first, second = client.csv("shop", csv_text(SHOP_COLUMNS, [row, row], header=False))
        same_outcome(first, expected(context), f"{len(row)} values")
        same_outcome(second, expected(context), f"{len(row)} values")


def rule_csv_header_is_recognised_by_one_name(context):
    """The first line names one input among other words: it is a header, and the rest are unknown fields."""
    only, = main(context).client().csv("iris", "petal_length_cm,colour\n4.9,blue\n")
    warned(only, "colour", "unknown_field")
    warned(only, "petal_width_cm", "missing")
    same_outcome(only, main(context).client().one("iris", {"petal_length_cm": 4.9}))


def rule_csv_header_present_overrides(context):
    only, = main(context).client().csv("iris", "a,b,c,d\n5.1,3.5,1.4,0.2\n", type="text/csv; header=present")
    warned(only, "a", "unknown_field")
    same_outcome(only, main(context).client().one("iris", {}))


def rule_csv_header_absent_overrides(context):
    first, second = main(context).client().csv(
        "iris", ",".join(IRIS_INPUTS) + "\n5.1,3.5,1.4,0.2\n", type="text/csv; charset=utf-8; header=absent"
    )
    warned(first, "petal_length_cm", "invalid")
    equal(second["warnings"], [], "warnings of the second")


def rule_csv_header_takes_two_words_alone(context):
    refused(main(context).client().predict("iris", "5.1,3.5,1.4,0.2\n", type="text/csv; header=perhaps"))


def rule_csv_with_quotes_line_breaks_and_crlf(context):
    client = main(context).client()
    record = {**SHOP_RECORD, "note": 'order, "great"\nlate'}
    row = [str(record[name]) for name in SHOP_INPUTS]
    for end in ("\n", "\r\n"):
        for text in (csv_text(SHOP_INPUTS, [row, ROW], end=end), csv_text(SHOP_INPUTS, [row, ROW], end=end).rstrip("\r\n")):
            first, second = client.csv("shop", text)
            same_outcome(first, client.one("shop", record), "with quotes")
            same_outcome(second, expected(context), "after it")


def rule_csv_with_a_byte_order_mark(context):
    only, = main(context).client().csv("iris", "\ufeff" + ",".join(IRIS_INPUTS) + "\n5.1,3.5,1.4,0.2\n")
    equal(only["warnings"], [], "warnings")


def rule_csv_empty_fields_are_missing(context):
    only, = main(context).client().csv("shop", csv_text(SHOP_INPUTS, [["", *ROW[1:]]]))
    warned(only, "age", "missing")


def rule_csv_numbers_are_no_texts(context):
    """In a CSV nothing but text exists, so nothing is said about its kind."""
    only, = main(context).client().csv("shop", csv_text(SHOP_INPUTS, [ROW]))
    equal(only["warnings"], [], "warnings")


def rule_csv_explains(context):
    client = main(context).client()
    only, = client.csv("shop", csv_text(SHOP_INPUTS, [ROW]), query="?explain=true")
    equal(only["explanation"], client.one("shop", SHOP_RECORD, "?explain=true")["explanation"], "explanation")


def rule_csv_with_a_wrong_number_of_columns_is_refused(context):
    client = main(context).client()
    header = ",".join(IRIS_INPUTS)
    for text in ("1,2,3\n", "1,2,3,4,5,6\n", "5,3,1,0.2\n5,3,1\n", f"{header}\n5,3,1\n", f"{header}\n5,3,1,0.2\n5,3,1,0.2,7,8\n"):
        refused(client.predict("iris", text, type="text/csv"))


def rule_csv_with_a_column_twice_is_refused(context):
    refused(main(context).client().predict("iris", "petal_width_cm,petal_width_cm\n1,2\n", type="text/csv"))


def rule_csv_quote_that_never_ends_is_refused(context):
    refused(main(context).client().predict("iris", '5,3,1,"0.2\n5,3,1,0.2\n', type="text/csv"))


def rule_csv_names_are_read_as_in_files(context):
    names = " , ".join(IRIS_INPUTS)
    expected, = main(context).client().csv("iris", ",".join(IRIS_INPUTS) + "\n5.1,3.5,1.4,0.2\n")
    for text in (f"{names}\n5.1,3.5,1.4,0.2\n", ";".join(IRIS_INPUTS) + "\n5.1;3.5;1.4;0.2\n"):
        only, = main(context).client().csv("iris", text)
        same_outcome(only, expected)
        equal(only["warnings"], [], f"warnings of {text!r}")


def rule_csv_with_nothing_in_it_harms_nothing(context):
    client = main(context).client()
    for text in ("", "\n", "\n\n\n", ",".join(IRIS_INPUTS), ",".join(IRIS_INPUTS) + "\n", "\ufeff"):
        answer = no_crash(client.predict("iris", text, type="text/csv"))
        assert answer.status != 200 or answer.json()["predictions"] == [], f"{text!r}: {answer}"


def rule_csv_that_is_not_utf8_harms_nothing(context):
    no_crash(main(context).client().predict("shop", b"city\nOsl\xf8\n\xff\xfe\x00\n", type="text/csv"))


def rule_csv_of_ten_thousand_records_and_one_more(context):
    client = main(context).client(timeout=60)
    header, line = ",".join(IRIS_INPUTS) + "\n", "5.1,3.5,1.4,0.2\n"
    equal(len(client.csv("iris", header + line * 10_000)), 10_000, "predictions")
    document = refused(client.predict("iris", header + line * 10_001, type="text/csv"))
    words = document["detail"] + document.get("hint", "")
    assert "10,000" in words or "10000" in words, f"the limit is not named: {document}"


def rule_csv_record_of_more_than_a_mebibyte_is_refused(context):
    text = csv_text(["age", "note"], [["41", "word " * 300_000]])
    problem(main(context).client().predict("shop", text, type="text/csv"), 413, "too_large")

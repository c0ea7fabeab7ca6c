"""What the values of a record mean, and what is said about odd ones."""

import json

from harness import codes, equal, ok, same, same_outcome, warned
from servers import main
from tables import IRIS_RECORD, RENT_RECORD, SHOP_RECORD, TICKET_RECORD


def with_text(name, text):
    """The body of a request for the shop's record with one value written as `text`."""
    parts = {key: json.dumps(value) for key, value in SHOP_RECORD.items()}
    parts[name] = text
    return '{"record":{' + ",".join(f"{json.dumps(key)}:{value}" for key, value in parts.items()) + "}}"


def shop(context, name, text):
    return ok(main(context).client().predict("shop", with_text(name, text), type="application/json"))["prediction"]


def rule_a_record_without_anything_odd_has_no_warnings(context):
    client = main(context).client()
    equal(client.one("shop", SHOP_RECORD)["warnings"], [], "shop")
    equal(client.one("iris", IRIS_RECORD)["warnings"], [], "iris")
    equal(client.one("tickets", TICKET_RECORD)["warnings"], [], "tickets")


def rule_row_id_and_columns_left_out_need_not_be_sent(context):
    client = main(context).client()
    equal(client.one("rents", RENT_RECORD)["warnings"], [], "without them")
    sent = client.one("rents", {**RENT_RECORD, "flat_no": "F1", "broker": "Ann"})
    equal([one for one in sent["warnings"] if one["code"] == "unknown_field"], [], "with them")
    same_outcome(sent, client.one("rents", RENT_RECORD))


def rule_the_target_may_be_sent_and_changes_nothing(context):
    client = main(context).client()
    sent = client.one("shop", {**SHOP_RECORD, "outcome": "stays"})
    same_outcome(sent, client.one("shop", SHOP_RECORD))
    assert "unknown_field" not in codes(sent, "outcome"), sent["warnings"]


def rule_absent_null_and_empty_are_all_missing(context):
    client = main(context).client()
    missing_in_three_ways(client, ("age", "city", "vip", "joined"))


def rule_a_missing_text_is_missing_too(context):
    missing_in_three_ways(main(context).client(), ("note",))


def missing_in_three_ways(client, names):
    for name in names:
        absent = client.one("shop", {key: value for key, value in SHOP_RECORD.items() if key != name})
        null, empty = client.one("shop", {**SHOP_RECORD, name: None}), client.one("shop", {**SHOP_RECORD, name: ""})
        for what, prediction in (("absent", absent), ("null", null), ("empty", empty)):
            warned(prediction, name, "missing")
            same_outcome(prediction, absent, f"{name} {what}")


def rule_white_space_alone_is_missing(context):
    client = main(context).client()
    for name in ("age", "city"):
        warned(client.one("shop", {**SHOP_RECORD, name: "  "}), name, "missing")


def rule_an_empty_record_is_answered(context):
    prediction = main(context).client().one("shop", {})
    for name in ("age", "income", "city", "size", "vip", "joined"):
        warned(prediction, name, "missing")


def rule_what_is_not_a_number_is_said(context):
    prediction = main(context).client().one("shop", {**SHOP_RECORD, "age": "forty"})
    warned(prediction, "age", "invalid")
    value = next(one.get("value") for one in prediction["warnings"] if (one["field"], one["code"]) == ("age", "invalid"))
    equal(value, "forty", "value in the warning")


def rule_a_number_out_of_the_training_range_is_said(context):
    client = main(context).client()
    for age in (-5, 900, 1e9):
        warned(client.one("shop", {**SHOP_RECORD, "age": age}), "age", "out_of_range")
    assert codes(client.one("shop", {**SHOP_RECORD, "age": 1e300}), "age") & {"out_of_range", "invalid"}
    assert "out_of_range" not in codes(client.one("shop", SHOP_RECORD), "age")


def rule_a_category_not_met_in_training_is_said_and_neutral(context):
    client = main(context).client()
    one, other = (client.one("shop", {**SHOP_RECORD, "city": city}) for city in ("Paris", "Rome"))
    warned(one, "city", "unknown_category")
    same_outcome(one, other, "two unknown cities")


def rule_words_not_met_in_training_are_said(context):
    warned(main(context).client().one("shop", {**SHOP_RECORD, "note": "zyzzyva quux"}), "note", "unknown_words")


def rule_a_field_that_is_no_column_is_said(context):
    prediction = main(context).client().one("shop", {**SHOP_RECORD, "colour": "red"})
    warned(prediction, "colour", "unknown_field")
    same_outcome(prediction, main(context).client().one("shop", SHOP_RECORD))


def rule_names_of_fields_are_case_sensitive(context):
    prediction = main(context).client().one("shop", {"Age": 41})
    warned(prediction, "Age", "unknown_field")
    warned(prediction, "age", "missing")


def rule_a_date_that_is_none_is_said(context):
    prediction = main(context).client().one("shop", {**SHOP_RECORD, "joined": "2021-02-30"})
    assert codes(prediction, "joined") & {"invalid", "unknown_category"}, prediction["warnings"]


def rule_a_yes_no_value_that_is_neither_is_said(context):
    warned(main(context).client().one("shop", {**SHOP_RECORD, "vip": "perhaps"}), "vip", "invalid")


def rule_json_true_is_the_word_true(context):
    same_outcome(shop(context, "vip", "true"), shop(context, "vip", '"true"'))
    same_outcome(shop(context, "vip", "true"), shop(context, "vip", '"Yes"'))
    same_outcome(shop(context, "vip", "false"), shop(context, "vip", '"0"'))
    assert shop(context, "vip", "true")["score"] != shop(context, "vip", "false")["score"]


def rule_a_number_as_text_is_accepted_and_noted(context):
    number, text = shop(context, "age", "41"), shop(context, "age", '"41"')
    same_outcome(number, text)
    warned(text, "age", "text_for_number")
    equal(codes(number, "age"), set(), "warnings of a number as a number")


def rule_a_text_as_number_is_accepted_and_noted(context):
    prediction = shop(context, "note", "7")
    warned(prediction, "note", "number_for_text")
    prediction = shop(context, "size", "1.50")
    equal(codes(prediction, "size"), {"number_for_text"}, "warnings of a known category as a number")


def rule_an_array_notes_the_same_as_an_object(context):
    client = main(context).client()
    record = {**SHOP_RECORD, "age": "41", "city": 5, "note": None, "income": "much"}
    equal(client.one("shop", list(record.values())[:2] + list(record.values())[2:]), client.one("shop", record), "prediction")


def rule_a_number_counts_as_it_is_written(context):
    """`1.50` and `1.5` are two categories here, and so they are in JSON."""
    one, other = shop(context, "size", "1.50"), shop(context, "size", "1.5")
    same_outcome(one, shop(context, "size", '"1.50"'), "1.50")
    same_outcome(other, shop(context, "size", '"1.5"'), "1.5")
    assert one["score"] != other["score"], "1.50 and 1.5 are taken for the same"


def rule_digits_beyond_a_double_are_kept(context):
    prediction = shop(context, "size", "12345678901234567890")
    same_outcome(prediction, shop(context, "size", '"12345678901234567890"'))
    equal(codes(prediction, "size"), {"number_for_text"}, "warnings")
    warned(shop(context, "size", "12345678901234567891"), "size", "unknown_category")


def rule_a_warning_shows_the_number_as_written(context):
    prediction = shop(context, "size", "1e2")
    value = next(one.get("value") for one in prediction["warnings"] if one["code"] == "unknown_category")
    equal(value, "1e2", "value in the warning")


def rule_ways_of_writing_one_number_are_one_number(context):
    expected = shop(context, "age", "41")["score"]
    for text in ("41.0", "4.1e1", "4.1E+1", "410e-1", '" 41 "'):
        same(shop(context, "age", text)["score"], expected, f"age {text}")


def rule_numbers_with_many_digits_round_alike_as_text_and_number(context):
    for text in ("2500.50000000000000000000000000000001", "0.1e4", "1234.5678901234567890123"):
        same_outcome(shop(context, "income", text), shop(context, "income", json.dumps(text)), text)


def rule_a_number_too_large_for_a_double_harms_nothing(context):
    client = main(context).client()
    for text in ("1e400", "-1e400", "1e-400", "9" * 400):
        answer = client.predict("shop", with_text("age", text), type="application/json")
        assert answer.status in (200, 400), f"{text[:12]}: {answer}"
        if answer.status == 200:
            prediction = answer.json()["prediction"]
            assert text == "1e-400" or codes(prediction, "age"), f"nothing said of {text[:12]}: {prediction}"


def rule_nan_as_text_is_a_value_that_is_no_number(context):
    for word in ("NaN", "nan", "Infinity", "-inf"):
        prediction = shop(context, "age", json.dumps(word))
        warned(prediction, "age", "invalid")


def rule_warnings_are_capped_and_the_rest_counted(context):
    prediction = main(context).client().one("shop", {**SHOP_RECORD, **{f"extra_{place}": place for place in range(300)}})
    shown = len(prediction["warnings"])
    assert 0 < shown < 300, f"{shown} warnings shown"
    equal(shown + prediction.get("more_warnings", 0), 300, "shown and counted")


def rule_long_values_are_shortened_in_warnings(context):
    client = main(context).client()
    prediction = client.one("shop", {**SHOP_RECORD, "city": "x" * 100_000, "y" * 5_000: "z" * 100_000})
    size = len(json.dumps(prediction))
    assert size < 20_000, f"the answer has {size} characters"
    warned(prediction, "city", "unknown_category")


def rule_warnings_of_each_record_stay_with_it(context):
    first, second, third = main(context).client().many("shop", [SHOP_RECORD, {**SHOP_RECORD, "city": "Paris"}, SHOP_RECORD])
    equal((first["warnings"], third["warnings"]), ([], []), "records beside it")
    warned(second, "city", "unknown_category")


def rule_names_with_any_letters_work(context):
    client = main(context).client()
    prediction = client.one("rents", RENT_RECORD, "?explain=true")
    equal(set(prediction["explanation"]["contributions"]), set(RENT_RECORD), "attributes")
    escaped = json.dumps({"record": RENT_RECORD}, ensure_ascii=True)
    plain = json.dumps({"record": RENT_RECORD}, ensure_ascii=False)
    same_outcome(*(ok(client.predict("rents", body, type="application/json"))["prediction"] for body in (escaped, plain)))


def rule_an_unknown_field_of_the_request_is_noted(context):
    answer = ok(main(context).client().predict("shop", {"record": SHOP_RECORD, "explian": True}))
    fields = [one["field"] for one in answer.get("warnings") or []]
    assert any("explian" in field for field in fields), f"warnings of the request: {answer.get('warnings')}"

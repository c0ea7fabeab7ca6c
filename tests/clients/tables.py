"""The tables the rules are tried on, made here with a fixed seed, and the models learned from them.

shop     binary: two numbers, two categories (one looks like numbers), words, a yes/no and a date; target in the middle
tickets  three classes: categories, a number and text
rents    a number: names with spaces and umlauts, a row id, a column that is not learned from
iris, cancer, diabetes   files of `datasets/`, types as the program proposes them
"""

import csv
import io
import json
import random

from harness import DATASETS

CITIES = ["Bergen", "Oslo", "Narvik", "Tromsø"]
SIZES = ["1.5", "1.50", "2.00", "007", "12345678901234567890"]
GOOD, BAD = ["great", "thanks", "lovely", "fast"], ["broken", "late", "refund", "never"]
PLAIN = ["order", "parcel", "box", "shop", "today", "again"]

SHOP_COLUMNS = ["age", "income", "city", "outcome", "size", "note", "vip", "joined"]
SHOP_INPUTS = [name for name in SHOP_COLUMNS if name != "outcome"]
SHOP_RECORD = {
    "age": 41, "income": 2500.5, "city": "Oslo", "size": "2.00", "note": "order great today", "vip": "yes",
    "joined": "2021-06-15",
}
SHOP_SCHEMA = {
    "version": "1.0", "targetAttributeName": "outcome", "dataFormat": "CSV", "dataFileContainsHeader": True,
    "attributes": [
        {"attributeName": "age", "attributeType": "NUMERIC"},
        {"attributeName": "income", "attributeType": "NUMERIC"},
        {"attributeName": "city", "attributeType": "CATEGORICAL"},
        {"attributeName": "outcome", "attributeType": "BINARY"},
        {"attributeName": "size", "attributeType": "CATEGORICAL"},
        {"attributeName": "note", "attributeType": "TEXT"},
        {"attributeName": "vip", "attributeType": "BINARY"},
        {"attributeName": "joined", "attributeType": "CATEGORICAL", "dateFormat": "%Y-%m-%d"},
    ],
}
SHOP_RECIPE = {
    "groups": {}, "assignments": {},
    "outputs": ["age", "normalize(income)", "city", "size", "lowercase(no_punct(note))", "vip", "timestamp(joined)",
                "month(joined)"],
}

TICKET_COLUMNS = ["channel", "priority", "subject", "region", "queue"]
TICKET_RECORD = {"channel": "mail", "priority": 3, "subject": "invoice wrong amount", "region": "north"}

RENT_COLUMNS = ["flat_no", "Wohnfläche (m²)", "rooms", "a/b~c", "broker", "rent"]
RENT_RECORD = {"Wohnfläche (m²)": 62.5, "rooms": 3, "a/b~c": "garden"}
RENT_SCHEMA = {
    "version": "1.0", "targetAttributeName": "rent", "rowId": "flat_no", "dataFormat": "CSV",
    "dataFileContainsHeader": True, "excludedAttributeNames": ["broker"],
    "attributes": [
        {"attributeName": "flat_no", "attributeType": "CATEGORICAL"},
        {"attributeName": "Wohnfläche (m²)", "attributeType": "NUMERIC"},
        {"attributeName": "rooms", "attributeType": "NUMERIC"},
        {"attributeName": "a/b~c", "attributeType": "CATEGORICAL"},
        {"attributeName": "broker", "attributeType": "CATEGORICAL"},
        {"attributeName": "rent", "attributeType": "NUMERIC"},
    ],
}

IRIS_INPUTS = ["sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm"]
IRIS_RECORD = dict(zip(IRIS_INPUTS, [5.1, 3.5, 1.4, 0.2]))


def shop_rows(count=700):
    chance, rows = random.Random(11), []
    for _ in range(count):
        age, income = chance.randint(18, 80), round(chance.uniform(900, 6000), 2)
        city, size = chance.choice(CITIES), chance.choice(SIZES)
        words = chance.sample(PLAIN, 2) + [chance.choice(GOOD + BAD)]
        chance.shuffle(words)
        vip = chance.choice(["yes", "no", "true", "0"])
        joined = f"{chance.randint(2018, 2023)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        lean = (age - 45) / 15 - (income - 3000) / 2500 + CITIES.index(city) * 0.6 - 1 + SIZES.index(size) * 0.7 - 1.2
        lean += sum(word in BAD for word in words) * 1.5 - 0.75 - (vip in ("yes", "true")) + (joined < "2020") * 0.8
        outcome = "leaves" if lean + chance.gauss(0, 1) > 0 else "stays"
        age_text = "" if chance.random() < 0.05 else str(age)
        rows.append([age_text, f"{income:.2f}", city, outcome, size, " ".join(words), vip, joined])
    return rows


def ticket_rows(count=600):
    chance, rows = random.Random(12), []
    words = {"billing": ["invoice", "amount", "tax"], "tech": ["crash", "login", "slow"], "sales": ["offer", "price", "demo"]}
    for _ in range(count):
        queue = chance.choice(list(words))
        seen = queue if chance.random() < 0.85 else chance.choice(list(words))
        subject = " ".join(chance.sample(words[seen], 2) + [chance.choice(["please", "help", "wrong", "again"])])
        channel = chance.choice(["mail", "phone", "chat"] if queue != "tech" else ["chat", "chat", "mail"])
        priority = chance.randint(1, 3) + 3 * (queue == "tech")
        rows.append([channel, str(priority), subject, chance.choice(["north", "south", ""]), queue])
    return rows


def rent_rows(count=500):
    chance, rows = random.Random(13), []
    for number in range(count):
        size, rooms = round(chance.uniform(20, 140), 1), chance.randint(1, 6)
        kind = chance.choice(["garden", "balcony", "none, sadly"])
        rent = 200 + 9.5 * size + 30 * rooms + 80 * (kind == "garden") + chance.gauss(0, 40)
        rows.append([f"F{number:05}", str(size), str(rooms), kind, chance.choice(["Ann", "Bo"]), f"{rent:.2f}"])
    return rows


def csv_text(columns, rows, header=True, end="\n"):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    if header:
        writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def file_rows(name):
    with open(DATASETS / name, encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    return lines[0], lines[1:]


def shop_table():
    return csv_text(SHOP_COLUMNS, shop_rows())


def iris_table():
    return (DATASETS / "iris.csv").read_text(encoding="utf-8")


def record_text(columns, row, numeric=(), leave_out=()):
    """A JSON object with numbers written exactly as in the row."""
    parts = [f"{json.dumps(name)}:{value_text(name, value, numeric)}" for name, value in zip(columns, row) if name not in leave_out]
    return "{" + ",".join(parts) + "}"


def array_text(columns, row, numeric=(), leave_out=()):
    return "[" + ",".join(value_text(name, value, numeric) for name, value in zip(columns, row) if name not in leave_out) + "]"


def value_text(name, value, numeric):
    if value == "":
        return "null"
    return value if name in numeric else json.dumps(value)


def learn(server):
    """Uploads all tables and learns all models; rows are held out nowhere."""
    server.upload("shop.csv", shop_table())
    server.upload("tickets.csv", csv_text(TICKET_COLUMNS, ticket_rows()))
    server.upload("rents.csv", csv_text(RENT_COLUMNS, rent_rows()))
    for name in ("iris", "breast_cancer", "diabetes"):
        server.upload(f"{name}.csv", (DATASETS / f"{name}.csv").read_bytes())
    learn_shop(server)
    server.train("tickets", "tickets.csv", "queue", holdout=0)
    server.train("rents", "rents.csv", "rent", holdout=0, type="regression", schema=RENT_SCHEMA)
    learn_iris(server)
    server.train("cancer", "breast_cancer.csv", "target")
    server.train("diabetes", "diabetes.csv", "target", type="regression")


def learn_shop(server, model="shop"):
    server.train(model, "shop.csv", "outcome", holdout=0, schema=SHOP_SCHEMA, recipe=SHOP_RECIPE, positive="leaves")


def learn_iris(server, model="iris"):
    server.train(model, "iris.csv", "target")

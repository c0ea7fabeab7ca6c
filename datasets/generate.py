#!/usr/bin/env python3
"""Makes the tables of the notebooks: invented, seeded, with the dirt that real tables have. Standard library only.

    python datasets/generate.py                       # all of them, into datasets/generated
    python datasets/generate.py clicks sales --out /tmp/tables

The same name gives the same bytes on every machine. Nothing here was measured anywhere: each table follows a rule that its
function states, and chance, so that no model can be right always. README.md beside this file tells what to expect of each.
"""

import argparse
import csv
import datetime
import math
import os
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def chance(score):
    """The probability that belongs to log-odds."""
    return 1 / (1 + math.exp(-score))


def pick(dice, weights):
    """One key, as often as its weight says."""
    return dice.choices(list(weights), list(weights.values()))[0]


def maybe(dice, share, value, other=""):
    """The value, but for a share of the rows, which get the other one."""
    return other if dice.random() < share else value


# 1. Ad clicks

PUBLISHERS = {"dailynews": 18, "sportlive": 14, "recipes4u": 10, "weathernow": 9, "movieblog": 8, "autoforum": 7,
              "gamezone": 12, "freewallpapers": 9, "quizfun": 8, "streamhub": 5}
# How much more often than elsewhere clicks from there are false.
SHADY = {"freewallpapers": 1.3, "quizfun": 1.0, "streamhub": 1.6, "gamezone": 0.4}
CLICKS = ["click_id", "clicked_at", "campaign", "publisher", "device", "country", "seconds_to_click", "clicks_from_address",
          "mouse_moves", "seen_before", "price_eur", "refund_eur", "fraud"]


def click(dice, number, moment):
    """One click. Bots click at once, often, from few addresses, without a moving mouse, on some publishers.

    `refund_eur` is filled weeks later, when the fraud is known: it gives the answer away.
    """
    publisher = pick(dice, PUBLISHERS)
    bot = dice.random() < 0.024 * math.exp(SHADY.get(publisher, -0.3))
    device = pick(dice, {"phone": 2, "desktop": 7, "tablet": 1} if bot else {"phone": 6, "desktop": 3, "tablet": 1})
    wait = dice.lognormvariate(0.2 if bot else 1.6, 0.9)
    same = 1 + int(dice.expovariate(0.16 if bot else 0.9))
    # Fingers leave no trace of a mouse, so the number says little on a phone.
    moves = 0 if device == "phone" else int(dice.expovariate(0.10 if bot else 0.03))
    price = round(dice.uniform(0.08, 1.9), 2)
    # Some frauds are never found out, and a few honest clicks are taken for one.
    fraud = dice.random() < (0.93 if bot else 0.002)
    country = pick(dice, {"DE": 50, "AT": 10, "CH": 9, "FR": 12, "PL": 9, "US": 10} if not bot else
                         {"DE": 30, "AT": 4, "CH": 4, "FR": 12, "PL": 20, "US": 30})
    return {
        "click_id": f"c{number:07d}",
        "clicked_at": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "campaign": pick(dice, {"spring-shoes": 4, "city-bikes": 3, "insurance": 2, "coffee": 3}),
        # One of the two systems that log clicks writes names with capitals.
        "publisher": maybe(dice, 0.03, publisher, publisher.capitalize()),
        "device": maybe(dice, 0.02, device),
        "country": maybe(dice, 0.05, country),
        "seconds_to_click": maybe(dice, 0.04, f"{wait:.1f}", "n/a"),
        "clicks_from_address": same,
        "mouse_moves": moves,
        "seen_before": maybe(dice, 0.4 if bot else 0.55, "yes", "no"),
        "price_eur": f"{price:.2f}",
        "refund_eur": f"{price:.2f}" if fraud and dice.random() < 0.97 else "0.00",
        "fraud": "yes" if fraud else "no",
    }


def clicks(dice, rows=24_000):
    """Four weeks of clicks, whose truth is known by now."""
    begin = datetime.datetime(2026, 3, 2)
    moments = sorted(begin + datetime.timedelta(seconds=dice.randrange(28 * 86_400)) for _ in range(rows))
    return CLICKS, (click(dice, number, moment) for number, moment in enumerate(moments, 1))


def clicks_yesterday(dice, rows=3_000):
    """One more day, whose truth nobody knows yet: without the last two columns."""
    begin = datetime.datetime(2026, 3, 31)
    moments = sorted(begin + datetime.timedelta(seconds=dice.randrange(86_400)) for _ in range(rows))
    return CLICKS[:-2], (click(dice, 900_000 + number, moment) for number, moment in enumerate(moments, 1))


# 2. Demographics

AGES = {"18-24": 22, "25-34": 33, "35-49": 27, "50+": 18}
TOPICS = {
    "18-24": {"gaming": 30, "music": 26, "travel": 12, "fashion": 16, "news": 5, "sport": 9, "garden": 1, "finance": 1},
    "25-34": {"gaming": 17, "music": 16, "travel": 22, "fashion": 13, "news": 11, "sport": 12, "garden": 3, "finance": 6},
    "35-49": {"gaming": 7, "music": 9, "travel": 18, "fashion": 9, "news": 20, "sport": 13, "garden": 10, "finance": 14},
    "50+": {"gaming": 2, "music": 6, "travel": 17, "fashion": 5, "news": 30, "sport": 9, "garden": 21, "finance": 10},
}


def user(dice, number):
    """One user. Older users come earlier in the day, stay longer, type more and watch less; tastes overlap."""
    age = pick(dice, AGES)
    step = list(AGES).index(age)
    return {
        "user_id": f"u{number:06d}",
        "main_hour": min(23, max(0, round(dice.gauss(20.5 - 1.9 * step, 2.6)))),
        "night_share": f"{min(1, max(0, dice.gauss(0.42 - 0.11 * step, 0.13))):.2f}",
        "session_minutes": f"{dice.lognormvariate(2.2 + 0.17 * step, 0.55):.1f}",
        "video_share": f"{min(1, max(0, dice.gauss(0.62 - 0.12 * step, 0.17))):.2f}",
        "words_written": int(dice.expovariate(1 / (25 + 22 * step))),
        "friends": max(0, round(dice.gauss(260 - 55 * step, 85))),
        "favourite": pick(dice, TOPICS[age]),
        "device": maybe(dice, 0.03, pick(dice, {"phone": 88 - 16 * step, "tablet": 4 + 7 * step, "desktop": 8 + 9 * step})),
        # Asked for since the summer only: empty for users of before.
        "newsletter": dice.choice(["yes", "no"]) if number > 4_800 else "",
        "age_group": age,
    }


def demographics(dice, rows=8_000):
    """Behaviour of users whose age group is known."""
    made = [user(dice, number) for number in range(1, rows + 1)]
    return list(made[0]), made


# 3. Purchases

GOODS = ["baby", "books", "camping", "diy", "electronics", "fashion", "pets", "wine"]


def wishes(person):
    """How much a person is drawn to each kind of goods."""
    age, month = person["age"], person["month"]
    young, old = (age < 30), (age > 55)
    return {
        "baby": 0.3 + 2.4 * person["children"] * (25 <= age <= 42),
        "books": 1.1 + 0.8 * old + 0.7 * (month in (11, 12)),
        "camping": 0.5 + 1.8 * (month in (5, 6, 7)) + 0.5 * person["children"],
        "diy": 0.7 + 1.6 * (person["home"] == "own") + 0.6 * (month in (3, 4, 5)),
        "electronics": 1.3 + 1.2 * young + 1.1 * (month in (11, 12)),
        "fashion": 1.2 + 1.5 * (person["gender"] == "f") + 0.9 * young,
        "pets": 0.4 + 3.0 * (person["last_bought"] == "pets"),
        "wine": 0.4 + 1.5 * old + 0.9 * (person["income"] == "high"),
    }


def purchase(dice, number):
    """One purchase. What is bought follows age, children, home, season and the last purchase, and is far from certain."""
    person = {
        "age": min(85, max(18, round(dice.gauss(43, 15)))),
        "gender": pick(dice, {"f": 50, "m": 47, "x": 3}),
        "children": int(dice.random() < 0.35),
        "home": pick(dice, {"rent": 55, "own": 45}),
        "income": pick(dice, {"low": 30, "middle": 50, "high": 20}),
        "region": pick(dice, {"north": 24, "south": 30, "east": 18, "west": 28}),
        "month": dice.randint(1, 12),
        "last_bought": dice.choice(GOODS),
    }
    drawn = wishes(person)
    drawn[person["last_bought"]] += 1.0
    bought = pick(dice, {name: wish ** 1.9 for name, wish in drawn.items()})
    return {
        "order_id": f"o{number:06d}",
        **person,
        "children": ("no", "yes")[person["children"]],
        # Typed in by hand at the till, now and then two digits of it.
        "age": maybe(dice, 0.06, person["age"]),
        "gender": maybe(dice, 0.05, person["gender"]),
        "income": maybe(dice, 0.25, person["income"]),
        "region": maybe(dice, 0.02, person["region"], person["region"].upper()),
        "bought": bought,
    }


def purchases(dice, rows=10_000):
    """Purchases, with what is known of who made them."""
    made = [purchase(dice, number) for number in range(1, rows + 1)]
    return list(made[0]), made


# 5. Messages

# Single words are used by both; what they stand beside tells them apart.
SPAM_PAIRS = [("free", "gift"), ("free", "ticket"), ("cash", "prize"), ("cash", "loan"), ("cheap", "loan"), ("new", "prize"),
              ("cheap", "pills"), ("birthday", "prize"), ("student", "gift")]
HAM_PAIRS = [("free", "lunch"), ("free", "evening"), ("cash", "desk"), ("cheap", "ticket"), ("cheap", "lunch"), ("new", "ticket"),
             ("student", "loan"), ("first", "prize"), ("birthday", "gift"), ("new", "desk"), ("new", "pills")]
BETWEEN = ["", "", "", "big", "extra", "little", "special", "nice"]
# How often spam says it, and how often others do.
ABOUT = {"get the {x} today": (2, 2), "claim your {x} here": (3, 1), "what about the {x}": (2, 3), "do you want a {x}": (2, 2),
         "there is a {x} for you": (2, 2), "click here for the {x}": (3, 2), "your {x} is waiting": (2, 2),
         "i forgot the {x} again": (1, 2), "last chance for a {x}": (2, 2), "thanks for the {x}": (2, 3)}
OPENINGS = ["hi", "hello", "hey there", "good morning", "dear customer", "dear friend", ""]
CHAT = ["see you at {t}", "the meeting is moved to {t}", "can you send me the report before {t}", "thanks for the photos",
        "i am running late , start without me", "call me when you are home", "the invoice for march is attached",
        "your parcel will arrive at {t}", "feel free to ask", "we won the match , what a game",
        "please confirm your appointment at {t}", "no need to click anything , it installs by itself",
        "do not forget your password for the new printer"]
ENDINGS = ["thanks", "see you", "best wishes", "reply stop to opt out", "talk soon", "www.{w}.example", ""]


def typo(dice, text):
    """Two letters swapped somewhere."""
    place = dice.randrange(max(1, len(text) - 1))
    return text[:place] + text[place + 1:place + 2] + text[place:place + 1] + text[place + 2:]


def offer(dice, spam):
    """One sentence about something, which only its pair of words gives away."""
    about = pick(dice, {words: weights[0 if spam else 1] for words, weights in ABOUT.items()})
    first, second = dice.choice(SPAM_PAIRS if spam else HAM_PAIRS)
    return about.format(x=" ".join(word for word in (first, dice.choice(BETWEEN), second) if word))


def message(dice, number):
    """One message of one to three sentences. Spam chats too, so as to pass for honest, and one in fifty is misjudged."""
    spam = dice.random() < 0.22
    parts = [offer(dice, spam) if dice.random() < 0.45 else dice.choice(CHAT) for _ in range(dice.choice([1, 1, 2, 2, 3]))]
    if spam:
        parts[dice.randrange(len(parts))] = offer(dice, spam)
    text = " . ".join(part for part in [dice.choice(OPENINGS), *parts, dice.choice(ENDINGS)] if part)
    text = text.format(t=f"{dice.randint(8, 20)} o'clock", w=dice.choice(["win", "deal", "photos", "school", "shop"]))
    if dice.random() < 0.2:
        text = typo(dice, text)
    if dice.random() < 0.08:
        text = text.upper()
    return {"message_id": f"m{number:05d}", "text": text, "spam": "yes" if spam != (dice.random() < 0.02) else "no"}


def messages(dice, rows=6_000):
    """Messages, each with what its reader called it."""
    made = [message(dice, number) for number in range(1, rows + 1)]
    return list(made[0]), made


# 6. Sales

STORES = {"Augsburg": 1.0, "Bremen": 1.25, "Chemnitz": 0.75, "Dortmund": 1.4, "Erfurt": 0.85, "Freiburg": 1.1}
DAYS = [1.0, 0.92, 0.95, 1.05, 1.28, 1.5, 0.0]
# On Saturdays some stores are full and others, among offices, are empty.
SATURDAYS = {"Augsburg": 1.1, "Bremen": 1.3, "Chemnitz": 1.0, "Dortmund": 0.45, "Erfurt": 0.95, "Freiburg": 0.5}


def sale(dice, day, store, visits):
    """One day of one store, which finds in `visits` those of the last open day and leaves its own. Weekday, month,
    promotion and holidays add up; warm days help a little; the rest is chance."""
    weekday = day.weekday()
    promotion = dice.random() < 0.16
    eve = (day + datetime.timedelta(days=1)).strftime("%m-%d") in ("01-01", "05-01", "10-03", "12-25")
    season = 1 + 0.22 * (day.month == 12) + 0.10 * (day.month in (6, 7)) - 0.12 * (day.month in (1, 2))
    warmth = 10 - 9 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365) + dice.gauss(0, 4)
    usual = DAYS[weekday] * (SATURDAYS[store] if weekday == 5 else 1)
    level = 210 * STORES[store] * usual * season + 95 * promotion + 120 * eve + 1.8 * max(0, warmth - 12)
    # A new loyalty programme began in the second year; its visits are empty before. Those of today are known tomorrow.
    before = visits.get(store, "")
    if day >= datetime.date(2025, 3, 1):
        visits[store] = max(0, round(level * 0.12 + dice.gauss(0, 5)))
    return {
        "day": day.strftime("%d.%m.%Y"),
        "store": store,
        "weekday": day.strftime("%a"),
        "month": day.month,
        "promotion": "yes" if promotion else "no",
        "before_holiday": "yes" if eve else "no",
        # The sensor of one store is often broken.
        "temperature": maybe(dice, 0.3 if store == "Erfurt" else 0.04, f"{warmth:.1f}"),
        "loyalty_visits_last_open_day": before,
        "units_sold": max(0, round(level + dice.gauss(0, 24))),
    }


def sales(dice):
    """Two years of six stores, closed on Sundays."""
    begin = datetime.date(2024, 1, 1)
    days = [begin + datetime.timedelta(days=one) for one in range(731)]
    visits = {}
    made = [sale(dice, day, store, visits) for day in days if day.weekday() != 6 for store in STORES]
    return list(made[0]), made


# 7. Deliveries

def delivery(dice, number):
    """One parcel, in the style of 2015. Far, heavy and express in a hurry are late more often; remarks tell something."""
    carrier = pick(dice, {"blue": 5, "swift": 3, "local": 2})
    km, weight, express = dice.lognormvariate(4.6, 0.8), dice.lognormvariate(0.8, 0.7), dice.random() < 0.25
    remark = pick(dice, {"": 60, "leave with neighbour": 12, "fragile": 10, "ring twice please": 8, "second attempt": 6,
                         "address unclear": 4})
    score = -2.6 + 0.0052 * km + 0.12 * weight + 0.5 * express + {"blue": 0, "swift": -0.5, "local": 0.6}[carrier]
    score += {"second attempt": 1.3, "address unclear": 2.0}.get(remark, 0)
    return {"parcel": f"p{number:06d}", "carrier": carrier, "km": maybe(dice, 0.02, f"{km:.0f}"), "kg": f"{weight:.2f}",
            "express": "1" if express else "0", "remark": remark, "late": "1" if dice.random() < chance(score) else "0"}


def deliveries(dice, rows=6_000):
    """Parcels, and whether they came late."""
    made = [delivery(dice, number) for number in range(1, rows + 1)]
    return list(made[0]), made


def deliveries_today(dice, rows=500):
    """Parcels that are still on their way."""
    made = [delivery(dice, 700_000 + number) for number in range(rows)]
    return list(made[0])[:-1], made


TABLES = {made.__name__: made for made in (
    clicks, clicks_yesterday, demographics, purchases, messages, sales, deliveries, deliveries_today)}


def write(name, folder):
    """Makes one table and returns its path."""
    # Each table has a seed of its own, so that it stays as it is when another one changes.
    names, rows = TABLES[name](random.Random(f"yosoku {name}"))
    path = Path(folder) / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def main():
    """Makes the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--out", default=HERE / "generated", help="the folder to write into (default: datasets/generated)")
    wanted = parser.parse_args()
    for name in wanted.tables or TABLES:
        if name not in TABLES:
            parser.error(f"there is no table `{name}`; there are {', '.join(TABLES)}")
        print(os.path.relpath(write(name, wanted.out)))


if __name__ == "__main__":
    sys.exit(main())

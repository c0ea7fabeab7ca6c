"""Writes a mixed table as CSV: an identifier, numbers with heavy tails, categories of many sizes, text with
quoted delimiters and doubled quotes, missing fields, and a target that depends on some of them.

    python3 bench/generate.py ROWS FILE

The same number of rows always gives the same bytes, and fewer rows are a prefix of more.
"""

import random
import sys

SYLLABLES = ["ba", "ko", "ri", "ten", "mu", "sol", "van", "dre", "pi", "lor", "ques", "hi"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
PLANS = ["free", "basic", "plus", "family", "business"]
SYSTEMS = ["Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7", "Android 14; K"]
HEADER = (
    "order_id,hour,weekday,region,plan,channel,seller,product,postcode,note,amount,weight,delay_s,visits,"
    "discount,score,ratio,age_days,agent,returned"
)


def names(count, words, seed):
    """Made-up names of some words each."""
    draw = random.Random(seed)
    return [
        " ".join("".join(draw.choice(SYLLABLES) for _ in range(draw.randint(2, 4))).capitalize() for _ in range(words))
        for _ in range(count)
    ]


def quoted(field):
    return '"' + field.replace('"', '""') + '"' if "," in field or '"' in field else field


def notes():
    shops = names(2500, 1, 1)
    made = []
    for index, shop in enumerate(shops):
        made.append([shop + " Shop", f"{shop}, Sons and Daughters", f'The "{shop}" Store', ""][index % 4])
    return [quoted(note) for note in made]


def skewed(draw, count):
    """An index below `count`; small ones are frequent."""
    return int(count * draw() ** 3)


def rows(count):
    draw = random.Random(20150409)
    unit, bits = draw.random, draw.getrandbits
    regions, sellers, products = names(80, 1, 2), 50_000, 2_000
    remarks = notes()
    for _ in range(count):
        tail = 1.0 / (unit() + 0.001)
        region = skewed(unit, 80)
        plan = PLANS[skewed(unit, 5)]
        returned = unit() < 0.02 + 0.05 * (region % 7 == 0) + 0.08 * (plan == "free")
        version = f"{100 + skewed(unit, 30)}.0.{3000 + skewed(unit, 700)}.{skewed(unit, 200)}"
        agent = f"Mozilla/5.0 ({SYSTEMS[skewed(unit, 4)]}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
        yield (
            f"{bits(64):016x},{int(unit() * 24)},{DAYS[int(unit() * 7)]},{regions[region]},{plan},"
            f"{'' if unit() < 0.08 else ('web', 'app', 'shop', 'phone')[skewed(unit, 4)]},"
            f"s{skewed(unit, sellers):06d},p{skewed(unit, products):05d},{10000 + skewed(unit, 60_000)},"
            f"{remarks[skewed(unit, len(remarks))]},{200 * tail:.0f},{tail * unit():.1f},{300 * unit() * tail:.2f},"
            f"{skewed(unit, 250)},{unit() * unit():.4f},"
            f"{'' if unit() < 0.05 else format(unit(), '.3f')},{unit() - 0.5:.3f},"
            f"{'' if unit() < 0.12 else skewed(unit, 3250)},{quoted(agent)},{int(returned)}\n"
        )


def main():
    count, path = int(sys.argv[1]), sys.argv[2]
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(HEADER + "\n")
        out.writelines(rows(count))


if __name__ == "__main__":
    main()

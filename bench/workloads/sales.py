"""Units sold in shops: a regression on numbers and categories, of which two have many values. The noise has a deviation of
15; what lies beneath is additive but for two interactions, a step, a square root and a bend."""

import numpy as np

from metrics import rmse

from .draws import Draws, chunks, pick, zipf
from .fields import blanked, fixed, whole
from .files import Files, TestRows
from .words import listed

STORES, PRODUCTS, NOISE = 800, 4000, 15.0
COLUMNS = (
    "store_id product_id category region weekday month promo price discount_pct competitor_price temperature stock "
    "ad_spend footfall holiday units_sold"
).split()
CATEGORIES = listed(
    "bakery dairy produce meat fish frozen snacks drinks wine beer coffee tea baby pet clean paper "
    "beauty health garden toys books office auto sports home".split()
)
REGIONS = listed([f"R{number}" for number in range(10)])
WEEKDAYS = listed(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
WEEKDAY_EFFECTS = np.array([-6, -5, -2, 0, 7, 14, 4.0])
MONTHS = listed("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())
MONTH_EFFECTS = np.array([-9, -7, -2, 0, 2, 4, 5, 3, 0, 2, 9, 20.0])
PROMOTIONS = listed(["none", "flyer", "endcap", "coupon", "bogo"])
PROMOTION_SHARES = np.cumsum([0.62, 0.14, 0.1, 0.09, 0.05])
PROMOTION_EFFECTS = np.array([0, 8, 14, 11, 24.0])
DRINKS = 7


class World:
    """Effects and properties of shops and products."""

    def __init__(self, draws):
        stores, products, categories = np.arange(STORES), np.arange(PRODUCTS), len(CATEGORIES)
        self.category_of = (draws.uniform("pc", products) * categories).astype(int)
        self.category = 18 * draws.normal("ce", np.arange(categories))
        self.product = 9 * draws.normal("pe", products)
        self.price = np.exp(1.8 + 0.8 * draws.normal("pp", products))
        self.region_of = (draws.uniform("sr", stores) * len(REGIONS)).astype(int)
        self.store = 12 * draws.normal("se", stores)
        self.region = 8 * draws.normal("re", np.arange(len(REGIONS)))
        self.promoted = 6 * draws.normal("pi", np.arange(categories * 5)).reshape(categories, 5)
        self.promoted[:, 0] = 0
        self.weekday_in_region = 3 * draws.normal("wi", np.arange(70)).reshape(7, 10)
        self.product_shares, self.store_shares = zipf(PRODUCTS, 0.7, 20), zipf(STORES, 0.3, 20)


class Sales:
    """Some rows: indices of the categories, numbers, and which of them are missing."""

    def __init__(self, draws, world, rows):
        def uniform(stream):
            return draws.uniform(stream, rows)

        def normal(stream):
            return draws.normal(stream, rows)

        self.store, self.product = pick(world.store_shares, uniform("s")), pick(world.product_shares, uniform("p"))
        self.category, self.region = world.category_of[self.product], world.region_of[self.store]
        self.weekday, self.month = (uniform("w") * 7).astype(int), (uniform("m") * 12).astype(int)
        self.promotion = pick(PROMOTION_SHARES, uniform("pr"))
        self.price = np.round(world.price[self.product] * np.exp(0.12 * normal("price")), 2).clip(0.05)
        self.discount = np.where(self.promotion > 0, np.round(5 + 35 * uniform("disc")), 0)
        self.rival = np.round(self.price * np.exp(0.15 * normal("comp")), 2)
        self.no_rival = uniform("comp/m") < 0.1
        self.heat = np.round(12 - 10 * np.cos(self.month / 12 * 2 * np.pi) + 4 * normal("t"), 1)
        self.no_heat = uniform("t/m") < 0.03
        self.stock = np.floor(np.exp(4.5 + 0.7 * normal("st"))).astype(int)
        self.spent = np.round(np.where(uniform("ad0") < 0.4, 0, np.exp(3.5 + 1.2 * normal("ad"))), 2)
        self.visitors = np.round(np.exp(6 + 0.4 * normal("ff"))).astype(int)
        self.holiday = uniform("h") < 0.04

    def additive(self, world):
        return (
            160
            + world.category[self.category]
            + world.product[self.product]
            + world.store[self.store]
            + world.region[self.region]
            + WEEKDAY_EFFECTS[self.weekday]
            + MONTH_EFFECTS[self.month]
            + PROMOTION_EFFECTS[self.promotion]
            - 1.1 * self.price
            + 0.55 * self.discount
            + np.where(self.no_rival, 4, 0.8 * (self.rival - self.price))
            + np.where(self.no_heat, 0, 0.35 * self.heat)
            + 0.012 * self.stock
            + 0.03 * self.visitors
            + 22 * self.holiday
        )

    def bent(self, world):
        """What is not linear in the columns."""
        return (
            1.6 * np.sqrt(self.spent)
            + world.promoted[self.category, self.promotion]
            + world.weekday_in_region[self.weekday, self.region]
            - 10 * (self.stock < 25)
            + 0.25 * np.where(self.no_heat, 0, np.abs(self.heat - 15)) * (self.category == DRINKS)
        )

    def fields(self):
        return [
            [f"S{store:04d}" for store in self.store.tolist()],
            [f"P{(product * 613 + 11) % 99_991:05d}" for product in self.product.tolist()],
            CATEGORIES[self.category].tolist(),
            REGIONS[self.region].tolist(),
            WEEKDAYS[self.weekday].tolist(),
            MONTHS[self.month].tolist(),
            PROMOTIONS[self.promotion].tolist(),
            fixed(self.price, 2),
            whole(self.discount.astype(int)),
            blanked(fixed(self.rival, 2), self.no_rival),
            blanked(fixed(self.heat, 1), self.no_heat),
            whole(self.stock),
            fixed(self.spent, 2),
            whole(self.visitors),
            ["yes" if day else "no" for day in self.holiday.tolist()],
        ]


def make(folder, count, seed):
    draws = Draws(seed, "sales")
    world, files, held = World(draws), Files(folder, "sales", COLUMNS), TestRows()
    for rows in chunks(count):
        sales = Sales(draws, world, rows)
        expected = sales.additive(world) + sales.bent(world)
        sold = np.round(expected + NOISE * draws.normal("noise", rows), 2)
        files.write(rows, [*sales.fields(), fixed(sold, 2)])
        held.add(rows, expected, sold)
    expected, sold = held.all()
    files.close({"best": {"rmse": rmse(sold, expected)}})

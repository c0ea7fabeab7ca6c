"""Fraud among clicks on advertisements, 3.5 % of the rows: numbers with heavy tails, categories of up to 60,000 values,
user agents as text, missing values, an identifier. The truth has sparse additive effects, steps and six interactions."""

import numpy as np

from metrics import auc, log_loss

from .agents import agents
from .draws import Draws, chunks, pick, sigmoid, splitmix64, zipf
from .fields import blanked, fixed, quoted, whole
from .files import Files, TestRows
from .words import LETTERS, listed, word

COUNTRIES, PUBLISHERS, PREFIXES, CAMPAIGNS, REFERRERS = 80, 50_000, 60_000, 2_000, 2_000
COLUMNS = (
    "click_id hour weekday country device os connection publisher_id campaign_id ip_prefix ad_format referrer "
    "bytes_sent dwell_ms gap_s clicks_1h bid_price x_pos y_pos account_age_days user_agent is_fraud"
).split()
WEEKDAYS = listed(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
WEEKDAY_EFFECTS = np.array([0, 0, 0, 0.05, 0.1, 0.2, 0.2])
DEVICES = listed(["desktop", "mobile", "tablet", "tv", "other"])
DEVICE_SHARES = np.cumsum([0.36, 0.5, 0.08, 0.03, 0.03])
DEVICE_EFFECTS = np.array([0.3, -0.2, 0.0, 0.1, 0.8])
SYSTEMS = listed(
    "Windows 10,Windows 11,macOS,iOS,Android,Linux,ChromeOS,Tizen,KaiOS,Windows 7,FreeBSD,unknown".split(",")
)
SYSTEM_SHARES = np.cumsum([0.2, 0.12, 0.09, 0.2, 0.27, 0.03, 0.02, 0.02, 0.01, 0.02, 0.005, 0.015])
SYSTEM_EFFECTS = np.array([0, 0, -0.2, -0.3, 0, 0.9, 0, 0, 0.1, 0.7, 0.6, 0.8])
CONNECTIONS = listed(["wifi", "4g", "5g", "cable", "fiber", "satellite", "datacenter", "vpn"])
CONNECTION_SHARES = np.cumsum([0.34, 0.22, 0.1, 0.14, 0.12, 0.01, 0.03, 0.04])
CONNECTION_EFFECTS = np.array([-0.1, -0.2, -0.1, 0, 0, 0.1, 1.4, 0.7])
FORMATS = listed(["banner", "native", "pop", "video", "interstitial", "push", "search", "shop"])
FORMAT_SHARES = np.cumsum([0.3, 0.2, 0.1, 0.12, 0.08, 0.08, 0.08, 0.04])
FORMAT_EFFECTS = np.array([0, -0.2, 0.6, 0.1, 0.2, 0.5, -0.5, -0.3])
REFERRER_NAMES = [
    "{} News, Weather & Sport",
    'The "{}" Blog',
    "{} Games",
    "{} Recipes, Food and More",
    "{} Forum",
    "Buy {}",
    '{} "Daily", Ltd.',
    "{}",
]
DAYTIME = np.cos((np.arange(24) - 3) / 24 * 2 * np.pi)
HOUR_SHARES = np.cumsum((1.4 - DAYTIME) / np.sum(1.4 - DAYTIME))


class World:
    """Names and effects of countries, publishers, address prefixes, campaigns, referrers and user agents."""

    def __init__(self, draws):
        each = np.arange(COUNTRIES)
        self.countries = listed(
            [LETTERS[(i * 7 + 3) % 26] + LETTERS[(i * 11 + i // 26) % 26] for i in range(COUNTRIES)]
        )
        hot = draws.uniform("c/hot", each) < 0.15
        self.country = np.where(hot, 0.9 + 0.6 * draws.uniform("c/w", each), 0.15 * draws.normal("c/n", each))
        self.bad_country = draws.uniform("c/bad", each) < 0.25
        each = np.arange(PUBLISHERS)
        self.publishers = listed([f"pub{(i * 7919 + 13) % 1_000_003:06d}" for i in range(PUBLISHERS)])
        self.bad_publisher = draws.uniform("p/bad", each) < 0.04
        self.publisher = np.where(
            self.bad_publisher, 1.6 + 0.8 * draws.uniform("p/w", each), 0.25 * draws.normal("p/n", each) - 0.1
        )
        each = np.arange(PREFIXES)
        self.prefixes = listed(
            [f"{11 + (i * 37) % 190}.{(i * 101 + 7) % 256}.{(i * 53 + i // 256) % 256}" for i in range(PREFIXES)]
        )
        self.prefix = np.where(draws.uniform("i/bad", each) < 0.03, 1.8, 0.2 * draws.normal("i/n", each))
        each = np.arange(CAMPAIGNS)
        self.campaigns = listed([f"c{(i * 331 + 7) % 99_991:05d}" for i in range(CAMPAIGNS)])
        self.campaign = 0.3 * draws.normal("k/n", each)
        each = np.arange(REFERRERS)
        shapes = len(REFERRER_NAMES)
        self.referrers = listed(
            [quoted(REFERRER_NAMES[i % shapes].format(word(i * 17 + 5).capitalize())) for i in range(REFERRERS)]
        )
        self.referrer = np.where(draws.uniform("r/h", each) < 0.1, 0.8 * draws.normal("r/w", each), 0.0)
        self.agents, self.agent = agents(draws)
        self.shares = {
            "c": zipf(COUNTRIES, 1.1, 2),
            "p": zipf(PUBLISHERS, 1.05, 20),
            "k": zipf(CAMPAIGNS, 1.0, 5),
            "i": zipf(PREFIXES, 0.9, 50),
            "r": zipf(REFERRERS, 1.0, 3),
            "ua": zipf(len(self.agents), 0.8, 30),
        }


class Clicks:
    """Some rows: indices of the categories, numbers, and which of them are missing."""

    def __init__(self, draws, world, rows):
        def uniform(stream):
            return draws.uniform(stream, rows)

        def normal(stream):
            return draws.normal(stream, rows)

        self.hour, self.weekday = pick(HOUR_SHARES, uniform("hr")), (uniform("wd") * 7).astype(int)
        self.device, self.system = pick(DEVICE_SHARES, uniform("d")), pick(SYSTEM_SHARES, uniform("o"))
        self.connection, self.no_connection = pick(CONNECTION_SHARES, uniform("n")), uniform("n/m") < 0.08
        self.format = pick(FORMAT_SHARES, uniform("f"))
        self.country, self.publisher, self.campaign, self.prefix, self.referrer, self.agent = (
            pick(world.shares[stream], uniform(stream)) for stream in ("c", "p", "k", "i", "r", "ua")
        )
        self.no_referrer, self.no_agent = uniform("r/m") < 0.15, uniform("ua/m") < 0.01
        self.bytes = np.round(np.exp(6.5 + 1.6 * normal("b"))).astype(np.int64)
        self.dwell = np.round(300.0 * (uniform("dw") ** (-1 / 1.3) - 0.8)).clip(0, 3.6e6).astype(np.int64)
        self.gap = np.round(np.minimum(np.exp(4.0 + 2.6 * normal("g")), 5e6), 2)
        many = 1 + 9 * (uniform("cl2") < 0.03)
        self.clicks = np.floor(np.exp(0.4 + 0.9 * normal("cl")).clip(0, 5000) * many).astype(np.int64)
        self.bid = np.round(np.exp(-2.2 + 0.8 * normal("bid")), 4)
        self.x, self.y = np.round(uniform("x"), 3), np.round(uniform("y"), 3)
        self.no_place = uniform("xy/m") < 0.05
        self.age, self.no_age = np.floor(-400 * np.log(uniform("ag"))).astype(np.int64), uniform("ag/m") < 0.12

    def score(self, world):
        """Log odds of fraud."""
        additive = (
            -5.15
            + 0.45 * DAYTIME[self.hour]
            + WEEKDAY_EFFECTS[self.weekday]
            + world.country[self.country]
            + DEVICE_EFFECTS[self.device]
            + SYSTEM_EFFECTS[self.system]
            + np.where(self.no_connection, 0.25, CONNECTION_EFFECTS[self.connection])
            + world.publisher[self.publisher]
            + world.campaign[self.campaign]
            + world.prefix[self.prefix]
            + FORMAT_EFFECTS[self.format]
            + np.where(self.no_referrer, 0.3, world.referrer[self.referrer])
            + np.where(self.no_agent, 1.0, world.agent[self.agent])
            - 0.25 * (np.log1p(self.bytes) - 6.5) / 1.6
            - 0.3 * (np.log1p(self.dwell) - 5.8)
            + 0.45 * np.log1p(self.clicks)
            - 0.15 * (np.log(self.bid) + 2.2)
            + np.where(self.no_age, 0.2, -0.0008 * self.age)
            + 1.3 * (self.gap < 2.0)
            + 0.5 * (self.gap > 20000)
            + 1.2 * ((np.abs(self.y - 0.5) < 0.02) & ~self.no_place)
        )
        known = ~self.no_connection
        at_night = (self.hour < 5) | (self.hour > 22)
        together = (
            1.6 * (world.bad_country[self.country] & (self.format == 2))
            + 1.6 * ((self.device == 1) & (self.connection >= 6) & known)
            + 1.2 * (world.bad_publisher[self.publisher] & at_night)
            + 0.8 * ((self.clicks > 8) & (self.connection == 6) & known)
            - 0.7 * ((self.format == 6) & (self.system == 3))
            + 1.0 * ((self.gap < 2.0) & (self.dwell < 200))
        )
        return additive, additive + together

    def fields(self, world):
        """All columns but the first and the last, as CSV fields."""
        return [
            whole(self.hour),
            WEEKDAYS[self.weekday].tolist(),
            world.countries[self.country].tolist(),
            DEVICES[self.device].tolist(),
            SYSTEMS[self.system].tolist(),
            blanked(CONNECTIONS[self.connection].tolist(), self.no_connection),
            world.publishers[self.publisher].tolist(),
            world.campaigns[self.campaign].tolist(),
            world.prefixes[self.prefix].tolist(),
            FORMATS[self.format].tolist(),
            blanked(world.referrers[self.referrer].tolist(), self.no_referrer),
            whole(self.bytes),
            whole(self.dwell),
            fixed(self.gap, 2),
            whole(self.clicks),
            fixed(self.bid, 4),
            blanked(fixed(self.x, 3), self.no_place),
            blanked(fixed(self.y, 3), self.no_place),
            blanked(whole(self.age), self.no_age),
            blanked(world.agents[self.agent].tolist(), self.no_agent),
        ]


def make(folder, count, seed):
    draws = Draws(seed, "clicks")
    world, files, held = World(draws), Files(folder, "clicks", COLUMNS), TestRows()
    for rows in chunks(count):
        clicks = Clicks(draws, world, rows)
        additive, score = clicks.score(world)
        fraud = draws.uniform("label", rows) < sigmoid(score)
        names = [f"{name:016x}" for name in splitmix64(rows.astype(np.uint64) ^ draws.seed).tolist()]
        files.write(rows, [names, *clicks.fields(world), whole(fraud.astype(int))])
        held.add(rows, additive, score, fraud)
    additive, score, fraud = held.all()
    files.close(
        {
            "best": {"auc": auc(fraud, score), "log_loss": log_loss(fraud, sigmoid(score))},
            "best_additive": {"auc": auc(fraud, additive)},
        }
    )

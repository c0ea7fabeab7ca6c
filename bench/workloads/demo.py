"""Eight groups of people by what they do on a website: counts, two numbers, two categories, the pages they visited as text.
Given the group, all is independent; 2 % of the labels are drawn at random."""

import numpy as np

from metrics import log_loss, macro_f1

from .columns import WORKLOADS
from .draws import Draws, chunks, pick
from .fields import blanked, fixed, whole
from .files import Files, TestRows
from .words import listed, word

GROUPS = listed(["F_18-24", "F_25-39", "F_40-59", "F_60+", "M_18-24", "M_25-39", "M_40-59", "M_60+"])
SHARES = np.array([0.14, 0.18, 0.13, 0.06, 0.15, 0.18, 0.11, 0.05])
COUNTS = WORKLOADS["demo"].numbers[:10]
USUAL_COUNTS = np.array([6, 5, 0.8, 1.5, 3, 4, 1, 1.2, 8, 1.1])
HOUR_MEANS = np.array([13, 14, 11, 9.5, 14.5, 13.5, 11.5, 9])
HOUR_DEVIATIONS = np.array([5, 4, 3.5, 3, 5.5, 4.2, 3.3, 2.8])
DEVICES = listed(["android", "ios", "windows", "mac", "other"])
DEVICE_SHARES = np.array(
    [
        [0.38, 0.42, 0.1, 0.08, 0.02],
        [0.36, 0.36, 0.16, 0.1, 0.02],
        [0.35, 0.27, 0.27, 0.08, 0.03],
        [0.3, 0.22, 0.38, 0.06, 0.04],
        [0.46, 0.32, 0.14, 0.06, 0.02],
        [0.4, 0.28, 0.2, 0.09, 0.03],
        [0.38, 0.2, 0.32, 0.07, 0.03],
        [0.28, 0.16, 0.46, 0.05, 0.05],
    ]
)
REGIONS = listed(["north", "south", "east", "west", "central", "islands"])
TOPICS = (
    "news sport fashion games cars food travel music health finance kids diy tech film books beauty football "
    "gardening pets realty jobs dating crypto art history science fitness weather school crafts fishing anime "
    "podcast retire wedding baby hiking boats guns law"
).split()
PAGES_OF_TOPIC, MOST_VISITS = 125, 24
NOISE = 0.02


class World:
    """What the groups do."""

    def __init__(self, draws):
        groups, topics = len(GROUPS), len(TOPICS)
        self.rates = USUAL_COUNTS[:, None] * np.exp(
            0.28 * draws.normal("lam", np.arange(10 * groups)).reshape(10, groups)
        )
        liking = np.exp(0.55 * draws.normal("tbc", np.arange(topics * groups)).reshape(topics, groups))
        self.topics = liking / liking.sum(0)
        self.topics_up_to = np.cumsum(self.topics, 0)
        weights = (np.arange(PAGES_OF_TOPIC) + 2.0) ** -1.0
        self.pages_up_to = np.cumsum(weights / weights.sum())
        self.pages = listed(
            [
                f"{topic}/{word(number * PAGES_OF_TOPIC + page)}"
                for number, topic in enumerate(TOPICS)
                for page in range(PAGES_OF_TOPIC)
            ]
        )


def poisson(uniform, rate):
    """By inversion, up to 60."""
    count, chance = np.zeros(len(rate), int), np.exp(-rate)
    up_to = chance.copy()
    for _ in range(60):
        more = uniform > up_to
        if not more.any():
            break
        count[more] += 1
        chance = chance * rate / np.maximum(count, 1)
        up_to = np.where(more, up_to + chance, up_to)
    return count


def visits(draws, world, rows, group):
    """Texts of pages, and how likely they are in each group."""
    many = (2 + (MOST_VISITS - 3) * draws.uniform("nt", rows) ** 1.6).astype(int)
    pages = np.zeros((len(rows), MOST_VISITS), int)
    likely, log_topics = np.zeros((len(rows), len(GROUPS))), np.log(world.topics)
    for visit in range(MOST_VISITS):
        draw = draws.uniform(f"tt{visit}", rows)[:, None]
        topic = (draw > world.topics_up_to[:, group].T).sum(1).clip(0, len(TOPICS) - 1)
        pages[:, visit] = topic * PAGES_OF_TOPIC + pick(world.pages_up_to, draws.uniform(f"tw{visit}", rows))
        likely += np.where((visit < many)[:, None], log_topics[topic], 0)
    texts = [" ".join(names[:length]) for names, length in zip(world.pages[pages].tolist(), many.tolist())]
    return texts, likely


def people(draws, world, rows, group):
    """CSV fields of the inputs, and the logarithm of how likely each group is, up to a constant."""
    likely = np.log(SHARES)[None, :].repeat(len(rows), 0)
    fields = []
    for number, rates in enumerate(world.rates):
        count = poisson(draws.uniform(f"cnt{number}", rows), rates[group])
        likely += count[:, None] * np.log(rates)[None, :] - rates[None, :]
        fields.append(whole(count))
    hour = np.round(HOUR_MEANS[group] + HOUR_DEVIATIONS[group] * draws.normal("mh", rows), 2)
    no_hour = draws.uniform("mh/m", rows) < 0.06
    distance = (hour[:, None] - HOUR_MEANS) / HOUR_DEVIATIONS
    likely += np.where(no_hour[:, None], 0, -0.5 * distance**2 - np.log(HOUR_DEVIATIONS))
    spend = np.round(np.exp(3 + 1.2 * draws.normal("sp", rows)), 2)
    up_to = np.cumsum(DEVICE_SHARES, 1)[group]
    device = (draws.uniform("dv", rows)[:, None] > up_to).sum(1).clip(0, len(DEVICES) - 1)
    likely += np.log(DEVICE_SHARES.T[device])
    region = (draws.uniform("rg", rows) * len(REGIONS)).astype(int)
    texts, of_visits = visits(draws, world, rows, group)
    fields += [blanked(fixed(hour, 2), no_hour), fixed(spend, 2)]
    return [*fields, DEVICES[device].tolist(), REGIONS[region].tolist(), texts], likely + of_visits


def make(folder, count, seed):
    draws = Draws(seed, "demo")
    world, held, groups = World(draws), TestRows(), len(GROUPS)
    columns = ["user_id", *COUNTS, "mean_hour", "spend", "device", "region", "visited", "group"]
    files = Files(folder, "demo", columns)
    for rows in chunks(count):
        group = np.minimum(np.searchsorted(np.cumsum(SHARES), draws.uniform("y", rows), side="right"), groups - 1)
        fields, likely = people(draws, world, rows, group)
        other = (draws.uniform("flip2", rows) * groups).astype(int)
        label = np.where(draws.uniform("flip", rows) < NOISE, other, group)
        chances = np.exp(likely - likely.max(1, keepdims=True))
        chances = (1 - NOISE) * chances / chances.sum(1, keepdims=True) + NOISE / groups
        files.write(rows, [[f"u{row:08d}" for row in rows.tolist()], *fields, GROUPS[label].tolist()])
        held.add(rows, chances, label)
    chances, label = held.all()
    best = {"macro_f1": macro_f1(label, chances.argmax(1), groups), "log_loss": log_loss(label, chances)}
    files.close({"best": best})

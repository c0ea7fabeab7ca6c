"""Short messages, 17 % of them spam: text alone, of 100,000 words with Zipf's frequencies. Each message has one of thirty
topics, eight of which are mostly spam; case and punctuation tell nothing. Half a percent of the labels are wrong."""

import numpy as np

from metrics import auc, log_loss

from .draws import Draws, chunks, pick, sigmoid
from .fields import quoted, whole
from .files import Files, TestRows
from .words import listed, word

WORDS, TOPICS, SPAM_TOPICS, WORDS_OF_TOPIC = 100_000, 30, 8, 1500
FROM_TOPIC, SPAM, WRONG, LONGEST = 0.38, 0.17, 0.005, 40


class World:
    """The words, and how often each is used on each topic."""

    def __init__(self, draws):
        self.words = listed([word(number) for number in range(WORDS)])
        usual = (np.arange(WORDS) + 2.7) ** -1.05
        usual /= usual.sum()
        special = (np.arange(WORDS_OF_TOPIC) + 5.0) ** -0.9
        special /= special.sum()
        self.usual, self.special = np.cumsum(usual), np.cumsum(special)
        # The words of a topic are among the 20,000 most frequent.
        self.of_topic = np.stack(
            [
                np.argsort(draws.uniform(f"perm{topic}", np.arange(20_000)), kind="stable")[:WORDS_OF_TOPIC]
                for topic in range(TOPICS)
            ]
        )
        chances = np.tile((1 - FROM_TOPIC) * usual, (TOPICS, 1))
        for topic in range(TOPICS):
            chances[topic, self.of_topic[topic]] += FROM_TOPIC * special
        self.log_words = np.log(chances)
        spammy = np.arange(TOPICS) < SPAM_TOPICS
        self.topics_of_spam = normed(np.where(spammy, 1.0, 0.035))
        self.topics_of_ham = normed(np.where(spammy, 0.02, 1.0))


def normed(weights):
    return weights / weights.sum()


def log_sum_exp(scores):
    most = scores.max(1, keepdims=True)
    return (most + np.log(np.exp(scores - most).sum(1, keepdims=True)))[:, 0]


def messages(draws, world, rows, spam):
    """Words and lengths of the messages, and the chance that each is spam."""
    uniform = draws.uniform("t", rows)
    topic = np.where(
        spam, pick(np.cumsum(world.topics_of_spam), uniform), pick(np.cumsum(world.topics_of_ham), uniform)
    )
    length = np.exp(2.35 + 0.55 * draws.normal("len", rows)).astype(int).clip(3, LONGEST)
    used, likely = np.zeros((len(rows), LONGEST), int), np.zeros((len(rows), TOPICS))
    for place in range(LONGEST):
        inside, draw = place < length, draws.uniform(f"w{place}", rows)
        from_topic = draws.uniform(f"m{place}", rows) < FROM_TOPIC
        number = np.where(from_topic, world.of_topic[topic, pick(world.special, draw)], pick(world.usual, draw))
        used[:, place] = number
        likely[inside] += world.log_words[:, number[inside]].T
    of_spam = log_sum_exp(likely + np.log(world.topics_of_spam)) + np.log(SPAM)
    of_ham = log_sum_exp(likely + np.log(world.topics_of_ham)) + np.log(1 - SPAM)
    return used, length, sigmoid(of_spam - of_ham)


def written(words, style, place):
    """A message with its case and punctuation, as a CSV field."""
    words[0] = words[0].capitalize()
    at = int(place * (len(words) - 1)) + 1
    if style < 0.35 and at < len(words):
        words[at - 1] += ","
    elif style < 0.45:
        words[at - 1] = words[at - 1].upper()
    elif style < 0.5:
        words[at - 1] = '"' + words[at - 1] + '"'
    elif style < 0.55:
        words.insert(at, str(int(place * 100000)))
    return quoted(" ".join(words) + (".", "!", "?", "")[int(place * 1e6) % 4])


def make(folder, count, seed):
    draws = Draws(seed, "spam")
    world, files, held = World(draws), Files(folder, "spam", ["msg_id", "text", "is_spam"]), TestRows()
    for rows in chunks(count, 20_000):
        spam = draws.uniform("y", rows) < SPAM
        used, length, chance = messages(draws, world, rows, spam)
        label = spam ^ (draws.uniform("flip", rows) < WRONG)
        style, place = draws.uniform("style", rows).tolist(), draws.uniform("pos", rows).tolist()
        texts = [
            written(words[:many], *how)
            for words, many, *how in zip(world.words[used].tolist(), length.tolist(), style, place)
        ]
        files.write(rows, [whole(rows), texts, whole(label.astype(int))])
        held.add(rows, chance * (1 - WRONG) + (1 - chance) * WRONG, label)
    chance, label = held.all()
    files.close({"best": {"auc": auc(label, chance), "log_loss": log_loss(label, chance)}})

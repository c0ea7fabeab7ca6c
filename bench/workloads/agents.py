"""Made user agents, and how much each speaks for fraud: by its version, its device and its program."""

import numpy as np

from .fields import quoted
from .words import LETTERS, listed

COUNT, VERSIONS, MODELS = 30_000, 60, 600


def platform(system, version, model, effects):
    """What stands in the brackets, and its effect."""
    if system < 0.4:
        brand = ["SM", "Pixel", "Redmi", "CPH"][model % 4]
        name = f"Linux; Android {8 + version // 8}; {brand}-{LETTERS[model % 26]}{model:03d}"
        return name, effects["model"][model]
    if system < 0.65:
        return f"iPhone; CPU iPhone OS {10 + version // 8}_{model % 6} like Mac OS X", -0.2
    if system < 0.85:
        release = ["6.1", "10.0", "10.0", "11.0"][model % 4]
        return f"Windows NT {release}; Win64; x64", 0.6 if release == "6.1" else 0.0
    if system < 0.93:
        return f"Macintosh; Intel Mac OS X 10_{9 + version // 10}_{model % 7}", 0.0
    return "X11; Linux x86_64", 0.5


def robot(version, model):
    return [
        f"python-requests/2.{version}",
        f"curl/7.{version}.0",
        f"Go-http-client/1.1 (build {version})",
        f"Java/1.8.0_{model}",
    ][model % 4]


def browser(draw, inside, version, model):
    """The whole text, and its effect."""
    engine = f"Mozilla/5.0 ({inside}) AppleWebKit/537.36 (KHTML, like Gecko) "
    chrome = 70 + version
    if draw < 0.58:
        return f"{engine}Chrome/{chrome}.0.{3000 + model}.{model % 200} Safari/537.36", 0.0
    if draw < 0.72:
        return f"{engine}Version/{10 + version // 8}.{model % 6} Safari/605.1.15", 0.0
    if draw < 0.82:
        firefox = 60 + version
        return f"Mozilla/5.0 ({inside}; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0", 0.0
    if draw < 0.9:
        return f"{engine}Chrome/{chrome}.0.0.0 Safari/537.36 Edg/{chrome}.0.{model}", 0.0
    if draw < 0.95:
        samsung = f"SamsungBrowser/{8 + version // 4}.0"
        return f"{engine}{samsung} Chrome/{chrome}.0.0.0 Mobile Safari/537.36", 0.1
    if draw < 0.98:
        return f"{engine}Chrome/{chrome}.0.0.0 Safari/537.36 OPR/{56 + version}.0", 0.3
    return f"{engine}HeadlessChrome/{chrome}.0.{model} Safari/537.36", 2.0


def agents(draws):
    """User agents as CSV fields, and their effects."""
    each = np.arange(COUNT)
    models, versions = np.arange(MODELS), np.arange(VERSIONS)
    effects = {
        "model": np.where(draws.uniform("mod/h", models) < 0.08, 0.9, 0.15 * draws.normal("mod/n", models)),
        "version": np.where(versions < 20, 0.5, 0.0) + 0.1 * draws.normal("ver", versions),
    }
    streams = ("ua/os", "ua/br", "ua/ver", "ua/mod", "ua/bot")
    texts, total = [], np.zeros(COUNT)
    for index, (system, kind, age, device, bot) in enumerate(zip(*(draws.uniform(name, each) for name in streams))):
        version, model = int(age**0.5 * VERSIONS), int(device * MODELS)
        if bot < 0.015:
            text, effect = robot(version, model), 2.2
        else:
            inside, of_platform = platform(system, version, model, effects)
            text, of_browser = browser(kind, inside, version, model)
            effect = effects["version"][version] + of_platform + of_browser
        texts.append(quoted(text))
        total[index] = effect
    return listed(texts), total

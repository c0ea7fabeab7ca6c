"""What bench/serving.py found, as a section of docs/benchmarks.md."""

import statistics

from document import table

PLAIN, EXPLAINED = "yosoku", "yosoku, with explanations"
MINIMAL, OBVIOUS, UNROLLED = "minimal axum handler", "FastAPI, the obvious way", "FastAPI, the best way"
CONNECTIONS = (1, 16, 64)
MOST = str(CONNECTIONS[-1])
# Processors that others may keep busy before rates and latencies are no longer compared.
DISTURBED = 0.2


def figures(runs, connections, figure):
    return [run["levels"][str(connections)][figure] for run in runs]


def median(runs, connections, figure, form):
    values = [value for value in figures(runs, connections, figure) if value is not None]
    return format(statistics.median(values), form) if values else ""


def ratio(runs, others, figure, connections=MOST):
    """Median of the ratios within the turns that both took and, but for the cost, that nothing disturbed."""
    pairs = [(run["levels"][str(connections)], other["levels"][str(connections)]) for run, other in zip(runs, others)]
    if figure != "cost":
        pairs = [pair for pair in pairs if max(level["others"] for level in pair) <= DISTURBED]
    return statistics.median(level[figure] / other[figure] for level, other in pairs) if pairs else None


def shown(value, form=".2f"):
    return "" if value is None else format(value, form)


def rates(results):
    header = [
        "",
        *(f"requests/s at {count}" for count in CONNECTIONS),
        f"min to max at {MOST}",
        "yosoku's rate, times this",
    ]
    header += ["µs of processor for a request", "times yosoku's", "share of its processor", "MiB", "others"]
    lines, own = [], results.get(PLAIN, [])
    for name, runs in results.items():
        ends = figures(runs, MOST, "rate")
        lines.append(
            [
                name,
                *(median(runs, count, "rate", ",.0f") for count in CONNECTIONS),
                f"{min(ends):,.0f} to {max(ends):,.0f}" if len(ends) > 1 else "one turn",
                shown(ratio(own, runs, "rate")),
                median(runs, MOST, "cost", ",.1f"),
                shown(ratio(runs, own, "cost")),
                median(runs, MOST, "share", ".2f"),
                f"{statistics.median(run['resident'] for run in runs):.0f}",
                median(runs, MOST, "others", ".2f"),
            ]
        )
    return table(header, lines)


def latencies(results):
    header = [""]
    for count in CONNECTIONS:
        header += [f"p50 at {count}, ms", "p99, ms", "p99, times the minimal handler's", "p99 inside, at most µs"]
    lines, least = [], results.get(MINIMAL, [])
    for name, runs in results.items():
        line = [name]
        for count in CONNECTIONS:
            line += [median(runs, count, "p50", ".3f"), median(runs, count, "p99", ".3f")]
            line += [shown(ratio(runs, least, "p99", count)), median(runs, count, "inside", ".0f")]
        lines.append(line)
    return table(header, lines)


def goals(results):
    """What the server is to reach, beside what it did."""
    own, lines = results.get(PLAIN), []
    if not own:
        return ""

    def goal(what, bound, value, form, least=True, cost=None):
        met = "" if value is None else "yes" if (value >= bound if least else value <= bound) else "**no**"
        lines.append(
            [what, f"at {'least' if least else 'most'} {bound:{form}}", shown(value, form), shown(cost, form), met]
        )

    def rate_goal(what, bound, runs, others, form):
        if runs and others:
            goal(what, bound, ratio(runs, others, "rate"), form, cost=ratio(others, runs, "cost"))

    most, least = f"at {MOST} connections", results.get(MINIMAL)
    inside = [bound for bound in figures(own, MOST, "inside") if bound is not None]
    goal(f"requests/s {most}", 20_000, statistics.median(figures(own, MOST, "rate")), ",.0f")
    rate_goal("with explanations, of the rate without", 0.7, results.get(EXPLAINED), own, ".2f")
    rate_goal("of the rate of the minimal handler", 0.8, own, least, ".2f")
    rate_goal("times the rate of FastAPI, the obvious way", 150, own, results.get(OBVIOUS), ".1f")
    best = results.get(UNROLLED)
    rate_goal("times the rate of FastAPI, the best way", 8, own, best, ".1f")
    if least and best:
        # What is left to gain: the goal before cannot be reached on this stack where this is below it.
        times, cost = ratio(least, best, "rate"), ratio(best, least, "cost")
        lines.append(["the minimal handler, times that", "", shown(times, ".1f"), shown(cost, ".1f"), ""])
    goal(f"µs inside the server, p99 {most}", 100, statistics.median(inside) if inside else None, ".0f", least=False)
    if least:
        goal(f"times the minimal handler's p99 {most}", 1.3, ratio(own, least, "p99"), ".2f", least=False)
    return table(["", "goal", "measured", "the same by processor time", "met"], lines)


def report(results, bodies, found, truth, options):
    notes = [f"- FastAPI has no figures: {found['missing']}."] if "missing" in found else []
    parts = [
        "## Serving",
        "",
        "One record of `clicks` with 20 fields in each request, the server on one processor, wrk on the other; medians of",
        f"{options.turns} turns of {options.seconds} s. {len(bodies)} bodies of {sum(map(len, bodies)) // len(bodies)} bytes on",
        f"average are sent in turn. The models have learned from {truth['train']['rows']:,} rows. Every answer had status 200,",
        "and scores equal those of the same rows in a file. `yosoku` runs as it does by itself, with its metrics; the",
        "minimal handler (`examples/minimal_handler.rs`) parses the same body and answers a constant;",
        "`FastAPI, the obvious way` is a table of one row through scikit-learn's pipeline, `the best way` the same model",
        "unrolled by hand into dictionaries (`bench/serving_peers`), one process each. Most of the obvious way's time is that of",
        "scikit-learn's OneHotEncoder, which goes through all the categories it knows at each call. `p99 inside` is the least",
        "bound of the histogram of `/metrics` that holds 99 % of the answers. `others` are the processors that other processes",
        f"kept busy meanwhile: above {DISTURBED}, rates and latencies are not compared, and the processor time of a request tells.",
        "",
        f"{options.circumstances} {found.get('version', '')}".rstrip(),
        "",
        goals(results),
        "",
        rates(results),
        "",
        latencies(results),
        "",
        *notes,
    ]
    return "\n".join(parts).rstrip() + "\n"

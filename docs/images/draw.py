"""Draws the pictures of docs/evaluation.md and docs/thresholds.md from evaluations that the program makes of its sample data.

    python3 docs/images/draw.py target/release/yosoku

Only the standard library. calibration.svg is a sketch and says so; everything else is counted.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATASETS = HERE.parents[1] / "datasets"
INK, GREY, PALE, BLUE, RED = "#222", "#777", "#ddd", "#2563a8", "#c2452d"
WIDTH, HEIGHT, LEFT, TOP, INNER_WIDTH, INNER_HEIGHT = 560, 330, 60, 20, 480, 250


def evaluation(program, name, *options):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "train", DATASETS / f"{name}.csv", "--target", "target", "--json", *options]
        command += ["--out", Path(folder) / "m.yosoku"]
        printed = subprocess.run(command, check=True, capture_output=True).stdout
    return json.loads(printed)["evaluation"]


def x(share):
    return LEFT + share * INNER_WIDTH


def y(share):
    return TOP + (1 - share) * INNER_HEIGHT


def text(at_x, at_y, words, color=INK, anchor="middle", more=""):
    return f'<text x="{at_x:.1f}" y="{at_y:.1f}" fill="{color}" text-anchor="{anchor}" {more}>{words}</text>'


def line(points, color=INK, width=2, more=""):
    path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}" {more}/>'


def frame(across, up, ticks_across, ticks_up):
    """Axes with their names; ticks are pairs of a place from 0 to 1 and what stands there."""
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{INNER_WIDTH}" height="{INNER_HEIGHT}" fill="none" stroke="{PALE}"/>']
    for place, words in ticks_across:
        parts.append(text(x(place), TOP + INNER_HEIGHT + 18, words, GREY))
    for place, words in ticks_up:
        parts.append(line([(0, place), (1, place)], PALE, 1))
        parts.append(text(LEFT - 8, y(place) + 4, words, GREY, "end"))
    parts.append(text(x(0.5), HEIGHT - 18, across))
    parts.append(text(16, y(0.5), up, more=f'transform="rotate(-90 16 {y(0.5):.0f})"'))
    return parts


def write(name, title, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" '
    head += 'font-family="system-ui, sans-serif" font-size="13">'
    body = [head, f"<title>{title}</title>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>"]
    (HERE / name).write_text("\n".join(body) + "\n")


SHARES = [(tick / 5, f"{tick / 5:g}") for tick in range(6)]


def draw_scores(report):
    """How many rows of each class have which score: what the threshold cuts through."""
    rows = {round(r["threshold"], 2): r for r in report["thresholds"]}
    bins = []
    for step in range(10):
        low, high = rows[round(step / 10, 2)], rows[round((step + 1) / 10, 2)]
        last = step == 9
        bins.append((low["tp"] - (0 if last else high["tp"]), low["fp"] - (0 if last else high["fp"])))
    top = 100
    parts = frame("score", "rows", SHARES, [(value / top, str(value)) for value in range(0, 101, 25)])
    for step, (positive, negative) in enumerate(bins):
        for count, color, shift in ((negative, BLUE, 0.012), (positive, RED, 0.052)):
            height = count / top * INNER_HEIGHT
            parts.append(f'<rect x="{x(step / 10 + shift):.1f}" y="{y(count / top):.1f}" width="{INNER_WIDTH * 0.036:.1f}" '
                         f'height="{height:.1f}" fill="{color}"/>')
            if count:
                parts.append(text(x(step / 10 + shift + 0.018), y(count / top) - 4, count, color))
    parts.append(line([(0.5, 0), (0.5, 1)], INK, 1.5, 'stroke-dasharray="5 4"'))
    parts.append(text(x(0.5) + 6, TOP + 16, "threshold 0.5", anchor="start"))
    parts.append(text(x(0.16), TOP + 50, "benign", BLUE, "start"))
    parts.append(text(x(0.84), TOP + 50, "malignant", RED, "end"))
    write("scores.svg", "Scores of 175 held-out tumours: most benign ones near 0, most malignant ones near 1", parts)


def draw_roc(report):
    points = [(p["false_positive_rate"], p["true_positive_rate"]) for p in report["roc"]]
    area = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in [(0, 0), *points, (1, 0)])
    parts = frame("false alarms, of all benign", "found, of all malignant", SHARES, SHARES)
    parts.append(f'<polygon points="{area}" fill="{BLUE}" fill-opacity="0.12"/>')
    parts.append(line([(0, 0), (1, 1)], GREY, 1.5, 'stroke-dasharray="5 4"'))
    parts.append(line(points, BLUE))
    parts.append(text(x(0.5), y(0.36), f"area under the curve: {report['metrics']['auc']['value']:.4f}", BLUE, "start"))
    parts.append(text(x(0.62), y(0.56), "guessing: 0.5", GREY, "start"))
    write("roc.svg", "The ROC curve of the tumours runs close to the upper left corner", parts)


def draw_cost(report, missed):
    records, positives = report["records"], report["positives"]
    negatives = records - positives
    costs = [(r["threshold"], (r["fp"] + missed * r["fn"]) / records) for r in report["thresholds"]]
    for point in report["roc"]:
        alarms, missing = point["false_positive_rate"] * negatives, (1 - point["true_positive_rate"]) * positives
        if point["threshold"] is not None:
            costs.append((point["threshold"], (alarms + missed * missing) / records))
    costs.sort()
    top = 0.6
    least = min(cost for _, cost in costs)
    best = max(threshold for threshold, cost in costs if cost < least + 1e-9)
    half = next(cost for threshold, cost in costs if threshold == 0.5)
    parts = frame("threshold", "cost of a row", SHARES, [(value / top, f"{value:g}") for value in (0, 0.2, 0.4, 0.6)])
    parts.append(line([(a, b / top) for a, b in costs if b <= top], BLUE))
    for threshold, cost, words, down in ((best, least, f"least: {least:.3f} at {best:.3f}", 26), (0.5, half, f"{half:.3f} at 0.5", 26)):
        parts.append(f'<circle cx="{x(threshold):.1f}" cy="{y(cost / top):.1f}" r="5" fill="{RED}"/>')
        parts.append(text(x(threshold) + 8, y(cost / top) + down, words, RED, "start"))
    write("cost.svg", f"The cost of a row by threshold, if a missed tumour costs {missed} times a false alarm", parts)


def draw_residuals(report):
    edges, counts = report["residuals"]["edges"], report["residuals"]["counts"]
    top = 25
    across = [((edge - edges[0]) / (edges[-1] - edges[0]), f"{edge:g}") for edge in edges if edge % 40 == 20 or edge == 0]
    parts = frame("truth minus prediction", "rows", across, [(value / top, str(value)) for value in range(0, 26, 5)])
    for index, count in enumerate(counts):
        left, width = index / len(counts), INNER_WIDTH / len(counts)
        parts.append(f'<rect x="{x(left) + 2:.1f}" y="{y(count / top):.1f}" width="{width - 4:.1f}" '
                     f'height="{count / top * INNER_HEIGHT:.1f}" fill="{BLUE}"/>')
    zero = -edges[0] / (edges[-1] - edges[0])
    parts.append(line([(zero, 0), (zero, 1)], INK, 1.5, 'stroke-dasharray="5 4"'))
    write("residuals.svg", "Residuals of 146 held-out patients, from -140 to 140, most of them between -60 and 60", parts)


def draw_calibration():
    parts = frame("score", "share that is positive", SHARES, SHARES)
    places = [step / 50 for step in range(51)]
    bend = [place + 0.14 * (4 * place * (1 - place)) * (1 - 2 * place) * 1.6 for place in places]
    parts.append(line([(0, 0), (1, 1)], GREY, 1.5, 'stroke-dasharray="5 4"'))
    parts.append(line(list(zip(places, bend)), RED))
    parts.append(line([(place, 2 * place - value) for place, value in zip(places, bend)], BLUE))
    parts.append(text(x(0.55), y(0.38), "too sure of itself", RED, "start"))
    parts.append(text(x(0.30), y(0.66), "too timid", BLUE, "end"))
    parts.append(text(x(0.98), y(0.06), "a sketch, not measured", GREY, "end"))
    write("calibration.svg", "A sketch: scores that are too sure of themselves, too timid, and right on the diagonal", parts)


def main():
    program = sys.argv[1]
    tumours = evaluation(program, "breast_cancer")
    draw_scores(tumours)
    draw_roc(tumours)
    draw_cost(tumours, 20)
    draw_residuals(evaluation(program, "diabetes"))
    draw_calibration()


if __name__ == "__main__":
    main()

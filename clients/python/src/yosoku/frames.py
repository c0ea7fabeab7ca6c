"""Tables in and out: files, pandas and polars frames. Neither library is imported before one is handed in."""

from __future__ import annotations

import csv
import datetime
import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from . import moments
from .errors import YosokuError
from .schemas import Dataset, Prediction

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

CSV = "text/csv"
# What a schema says of columns that nothing is learned from, beside those left out.
ROLES = ("targetAttributeName", "rowId", "rowWeight")
TYPES = {".csv": CSV, ".tsv": CSV, ".txt": CSV, ".parquet": "application/vnd.apache.parquet"}

Table: TypeAlias = "str | os.PathLike[str] | pd.DataFrame | pl.DataFrame | pl.LazyFrame | Dataset"
"""What can be learned from or predicted: a file, a frame, or a dataset that was uploaded before."""


@dataclass(frozen=True)
class Upload:
    """Bytes on their way to become a dataset."""

    name: str
    content: bytes | Path
    content_type: str

    def version(self) -> str:
        """The SHA-256 of the bytes, by which the server knows whether it has them already."""
        digest = hashlib.sha256()
        if isinstance(self.content, bytes):
            digest.update(self.content)
        else:
            with self.content.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()


def is_pandas(value: object) -> bool:
    """Whether this is a pandas frame."""
    library = sys.modules.get("pandas")
    return library is not None and isinstance(value, library.DataFrame)


def is_polars(value: object) -> bool:
    """Whether this is a polars frame, lazy or not."""
    library = sys.modules.get("polars")
    return library is not None and isinstance(value, library.DataFrame | library.LazyFrame)


def is_frame(value: object) -> bool:
    """Whether this is a frame of either library."""
    return is_pandas(value) or is_polars(value)


def upload_of(table: Table, name: str | None, formats: Mapping[str, str]) -> Upload:
    """What to send for a file or a frame; a file gives the dataset its name, a frame without one its hash.

    `formats` are those in which a model reads the dates of columns.
    """
    if isinstance(table, str | os.PathLike):
        path = Path(table).expanduser()
        if not path.is_file():
            raise YosokuError(
                f"there is no file `{path}`",
                code="no_such_file",
                hint=f"paths start at {Path.cwd()}; a dataset on the server is given as `client.dataset(name)`",
            )
        return Upload(name or plain(path.name), path, TYPES.get(path.suffix.lower(), CSV))
    if not is_frame(table):
        raise YosokuError(
            f"a table is a path, a pandas or polars frame, or a dataset, not {type(table).__name__}",
            code="not_a_table",
        )
    content = csv_of(table, formats)
    return Upload(name or f"frame-{hashlib.sha256(content).hexdigest()[:8]}.csv", content, CSV)


def plain(name: str) -> str:
    """A name with nothing in it but what names may have: letters, digits, `_`, `.` and `-`.

    A name that loses something gets a few digits of its hash, so that `a b.csv` and `a+b.csv` stay two.
    """
    begin, dot, ending = (re.sub(r"[^A-Za-z0-9_.-]+", "-", part).strip("-") for part in name.partition("."))
    if begin and begin + dot + ending == name:
        return name
    digits = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:6]
    return f"{begin or 'data'}-{digits}{dot}{ending}".strip(".")


def stem(name: str) -> str:
    """The name of a dataset without its endings."""
    return name.split(".", 1)[0] or "data"


def csv_of(frame: Any, formats: Mapping[str, str]) -> bytes:
    """A frame as CSV: numbers with all their digits, what is missing or infinite empty, truth as `true` and `false`.

    Dates are written as `formats` say for their columns; without a word about it, in the shortest form that loses
    nothing of any of the column.
    """
    if is_polars(frame):
        frame = frame.lazy().collect()
        nested = [name for name, kind in frame.schema.items() if kind.is_nested() or str(kind).startswith("Object")]
        if nested:
            raise YosokuError(
                f"column `{nested[0]}` holds lists or structs, not single values",
                code="nested_column",
                hint="make columns of their own of them, or drop the column",
            )
        return polars_csv(frame, formats)
    check_names(str(column) for column in frame.columns)
    return pandas_csv(frame, formats)


def pandas_csv(frame: Any, formats: Mapping[str, str]) -> bytes:
    """A pandas frame as CSV."""
    library = sys.modules["pandas"]
    made = frame.copy(deep=False)
    for column in frame.columns:
        series = frame[column]
        kind = series.dtype
        if library.api.types.is_float_dtype(kind):
            made[column] = series.replace([float("inf"), float("-inf")], float("nan"))
        elif library.api.types.is_bool_dtype(kind) or str(kind) in ("object", "category") or kind.kind == "M":
            made[column] = library.Series(
                texts(series.tolist(), formats.get(str(column))), index=series.index, dtype=object
            )
    return bytes(made.to_csv(index=False, lineterminator="\n").encode())


def polars_csv(frame: Any, formats: Mapping[str, str]) -> bytes:
    """A polars frame as CSV."""
    library = sys.modules["polars"]
    made = []
    for series in frame.get_columns():
        kind = series.dtype
        if kind in (library.Float32, library.Float64):
            series = library.select(
                library.when(series.is_infinite()).then(None).otherwise(series).alias(series.name)
            ).to_series()
        elif kind == library.Date or kind == library.Datetime:
            series = library.Series(
                series.name, texts(series.to_list(), formats.get(series.name)), dtype=library.String
            )
        made.append(series)
    text = library.DataFrame(made).write_csv()
    if len(made) == 1:
        # An empty line would be no row.
        begin, *lines = text.split("\n")[:-1]
        text = "\n".join([begin, *(line or '""' for line in lines), ""])
    return bytes(text.encode())


def texts(values: list[Any], pattern: str | None) -> list[Any]:
    """Values of a column with dates and truth as text; all else stays what it is."""
    known: dict[Any, str] = {}
    pattern = pattern or moments.pattern_of(value for value in values if moments.is_moment(value))

    def text(value: Any) -> Any:
        if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
            return "true" if value else "false"
        if isinstance(value, float):
            return value if abs(value) != float("inf") else None
        if not isinstance(value, datetime.date):
            return value
        if not moments.is_moment(value):
            return None
        if value not in known:
            known[value] = moments.written(value, pattern)
        return known[value]

    return [text(value) for value in values]


def has_moments(records: Any) -> bool:
    """Whether there is a date in a frame or in records, whose form then matters."""
    if is_polars(records):
        kinds = records.lazy().collect_schema().dtypes()
        return any(str(kind).startswith("Date") for kind in kinds)
    if is_pandas(records):
        kinds = [(records[column], kind) for column, kind in records.dtypes.items()]
        return any(
            kind.kind == "M" or (str(kind) in ("object", "category") and any(map(moments.is_moment, series)))
            for series, kind in kinds
        )
    return any(moments.is_moment(value) for record in records for value in record.values())


def slice_rows(frame: Any, begin: int, end: int) -> Any:
    """Some rows of a frame."""
    return frame.iloc[begin:end] if is_pandas(frame) else frame[begin:end]


def check_names(names: Iterable[str]) -> None:
    """Refuses a frame whose columns cannot be told apart."""
    seen = set()
    for name in names:
        if name in seen:
            raise YosokuError(f"two columns are called `{name}`", code="duplicate_column", hint="rename one of them")
        seen.add(name)


def records_of(records: Any) -> list[Mapping[str, Any]]:
    """Records as mappings; a row of a frame, which is a pandas series, is one too."""
    if isinstance(records, str | bytes | os.PathLike) or not hasattr(records, "__iter__"):
        raise YosokuError(
            f"a record, a list of records or a frame can be predicted, not {type(records).__name__}",
            code="not_a_record",
            hint="a record is a mapping such as {'amount': 120}; a file is predicted by `model.batch(path)`",
        )
    found = []
    for record in records:
        if not isinstance(record, Mapping):
            if not hasattr(record, "to_dict"):
                raise YosokuError(
                    f"a record is a mapping of names to values, not {type(record).__name__}", code="not_a_record"
                )
            record = record.to_dict()
        found.append(record)
    return found


def is_number(value: object) -> bool:
    """Whether this is one number, of Python or numpy."""
    return hasattr(value, "__float__") and not hasattr(value, "__len__")


def is_record(value: object) -> bool:
    """Whether this is one record rather than several."""
    library = sys.modules.get("pandas")
    return isinstance(value, Mapping) or (library is not None and isinstance(value, library.Series))


def plain_value(value: Any, pattern: str | None = None) -> Any:
    """One value of a record as JSON has it: dates as text, NaN, NaT and what is infinite as missing."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, datetime.date):
        if not moments.is_moment(value):
            return None
        is_day = not isinstance(value, datetime.datetime)
        return moments.written(value, pattern or (moments.DAY if is_day else moments.FRACTION))
    if hasattr(value, "item"):
        short = type(value).__name__ in ("float32", "float16")
        # What is written in a frame are the digits that tell it from its neighbours.
        return plain_value(float(str(value)) if short else value.item(), pattern)
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def plain_record(record: Mapping[str, Any], formats: Mapping[str, str]) -> dict[str, Any]:
    """A record as JSON has it, dates as `formats` say for their fields."""
    return {str(name): plain_value(value, formats.get(str(name))) for name, value in record.items()}


def collected(frame: Any) -> Any:
    """The frame itself; of a lazy one what it comes to."""
    return frame.lazy().collect() if is_polars(frame) else frame


def whole(table: Any, known: Collection[str] | None = None) -> Any:
    """A table as it is sent: a pandas frame with those levels of its index as columns that have a name.

    Of `known` fields, which are those of a model and those asked for beside them, only these levels; an index without
    a name says nothing but the place of a row.
    """
    if not is_pandas(table):
        return table
    library = sys.modules["pandas"]
    columns = {str(column): column for column in table.columns}
    levels: dict[str, Any] = {}
    for place, name in enumerate(table.index.names):
        if name is None or (known is not None and str(name) not in known):
            continue
        level = library.Series(table.index.get_level_values(place), index=table.index)
        if str(name) not in columns:
            check_names([*levels, str(name)])
            levels[str(name)] = level
        elif not level.equals(table[columns[str(name)]]):
            raise YosokuError(
                f"the index and a column are both called `{name}`, and hold different values",
                code="duplicate_column",
                hint="rename one of them, or drop the index: `frame.reset_index(drop=True)`",
            )
    return library.concat([library.DataFrame(levels, index=table.index), table], axis=1) if levels else table


def fitting(table: Any, schema: Mapping[str, Any], asked: Collection[str] = ()) -> Any:
    """A table as a model of that schema is asked about it; a frame without any column that it knows is refused.

    `asked` are columns that are wanted beside those of the model.
    """
    if not is_frame(table):
        return table
    names = [str(one["attributeName"]) for one in schema.get("attributes", [])]
    table = whole(collected(table), {*names, *asked})
    apart = {*schema.get("excludedAttributeNames", []), *(schema.get(key) for key in ROLES)}
    inputs = [name for name in names if name not in apart]
    if inputs and not set(inputs).intersection(map(str, table.columns)):
        raise YosokuError(
            "the frame has none of the columns that the model learned from; "
            f"the frame has {listed(map(str, table.columns)) or 'no columns'}, the model knows {listed(inputs)}",
            code="schema_mismatch",
            hint="give the data that the model is meant for, with its names of columns",
        )
    return table


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names in a row, not too many of them."""
    every = [f"`{name}`" for name in names]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def answers(found: list[Prediction], explain: bool) -> dict[str, list[Any]]:
    """Predictions as columns: `label` and `score` (with one for each of several classes), or `value`; then reasons.

    A class whose name is taken by one of the others is called `probability of <class>`.
    """
    reasons = [one.explanation.contributions if one.explanation else {} for one in found] if explain else []
    why = {name: f"why {name}" for name in dict.fromkeys(name for one in reasons for name in one)}
    if any(one.value is not None for one in found):
        columns: dict[str, list[Any]] = {"value": [one.value for one in found]}
    else:
        columns = {"label": [one.label for one in found], "score": [one.score for one in found]}
        labels = list(found[0].probabilities or {}) if found else []
        if len(labels) > 2:
            taken = {*columns, *why.values()}
            for label in labels:
                name = label
                while name in taken or (name != label and name in labels):
                    name = f"probability of {name}"
                taken.add(name)
                columns[name] = [(one.probabilities or {}).get(label) for one in found]
    return columns | {title: [one.get(name, 0.0) for one in reasons] for name, title in why.items()}


def answered(found: list[Prediction], explain: bool, example: Any) -> Any:
    """Predictions as a frame of the library that the example comes from."""
    return frame_like(answers(found, explain), example)


def frame_like(columns: Mapping[str, list[Any]], example: Any) -> Any:
    """A frame of the library that the example comes from, with its index where that has one."""
    if is_pandas(example):
        return sys.modules["pandas"].DataFrame(dict(columns), index=example.index)
    return sys.modules["polars"].DataFrame(dict(columns), strict=False)


def beside(answers: Any, table: object) -> Any:
    """Answers with the index of the pandas frame that they belong to, so that the two can be joined."""
    if is_pandas(table) or (is_polars(table) and hasattr(table, "height")):
        check_length(len(answers), len(table))  # type: ignore[arg-type]
    if is_pandas(table):
        answers.index = table.index  # type: ignore[attr-defined]
    return answers


def check_copied(names: Iterable[str]) -> None:
    """Refuses a frame in which a column that was copied is called as one of the answers."""
    seen = set()
    for name in names:
        if name in seen:
            raise YosokuError(
                f"a column of the table is called `{name}`, and so is one of the answers beside it",
                code="duplicate_column",
                hint="rename it in the table, leave it out of `columns`, or give `to=` to get a file",
            )
        seen.add(name)


def check_length(answers: int, rows: int) -> None:
    """Refuses answers that are not one for each row: whose they are could not be told."""
    if answers != rows:
        raise YosokuError(
            f"the server answered {answers:,} rows of {rows:,}",
            code="unexpected_answer",
            hint="send the rows as a file",
        )


def read_csv(path: Path, library: str | None) -> Any:
    """A CSV file as a frame of the library, or of whichever is installed, pandas first.

    Labels stay texts: `01` does not become 1. Blank lines, which stand for rows that could not be read, become rows of
    missing values, so that rows stay beside those of the input.
    """
    for name in [library] if library else ["pandas", "polars"]:
        try:
            module = __import__(name)
        except ImportError:
            continue
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        check_copied(header)
        texts = [column for column in header if column in ("tag", "trueLabel", "bestAnswer")]
        if name == "pandas":
            return module.read_csv(
                path, dtype=dict.fromkeys(texts, "str"), skip_blank_lines=False, keep_default_na=False, na_values=[""]
            )
        return module.read_csv(path, schema_overrides=dict.fromkeys(texts, module.String), infer_schema_length=None)
    raise YosokuError(
        "a frame needs pandas or polars, and neither is installed",
        code="no_frames",
        hint="install `yosoku[pandas]`, or give `to=` to get a file",
    )

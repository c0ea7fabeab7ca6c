"""What can be said beside the data. The names are those of the REST interface, where they are described in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from typing_extensions import TypedDict

Task = Literal["binary", "multiclass", "regression"]


class TrainOptions(TypedDict, total=False):
    """How a model is made; nothing is needed."""

    id: str
    """What the identifiers of everything made begin with; made from the dataset's name if not given."""
    name: str
    """Free text."""
    type: Task
    """The kind of question; decided from the target if not given."""
    schema: Mapping[str, Any]
    """What the columns are; proposed from every row if not given. `client.inspect(...).schema` is one to start from."""
    recipe: Mapping[str, Any]
    """What is learned from; suggested if not given."""
    parameters: Mapping[str, Any]
    """Parameters of the learner, such as `{"class_weights": "balanced"}`."""
    positive: str
    """The label that counts as positive, of two."""
    holdout: float
    """Percentage of the rows that the model is judged on instead of learning from them; 30 if not given."""
    seed: int
    """Which rows these are; 1 if not given."""
    split: Mapping[str, Any]
    """How they are chosen, such as `{"strategy": "time", "column": "day"}`."""
    header: Literal["auto", "yes", "no"]
    """Whether the first line names the columns."""


class InspectOptions(TypedDict, total=False):
    """How data are looked at; nothing is needed."""

    schema: Mapping[str, Any]
    """What the columns are; proposed from every row if not given."""
    split: Mapping[str, Any]
    """Which rows are described; all if not given."""
    header: Literal["auto", "yes", "no"]
    """Whether the first line names the columns."""


class BatchOptions(TypedDict, total=False):
    """How a file of predictions is written; nothing is needed."""

    columns: Sequence[str]
    """Columns of the input to copy."""
    explain: bool
    """Whether to add what each column contributed."""
    row_number: bool
    """Whether lines begin with the number of their row, from 1."""
    format: Literal["csv", "jsonl", "parquet"]
    """How it is written; by the ending of `to` if not given."""
    compress: Literal["none", "gzip", "zstd"]
    """How it is compressed; by the ending of `to` if not given."""


class Goal(TypedDict, total=False):
    """What a threshold is to reach; exactly one of these, `capacity` with `of`, and the two costs together."""

    precision: float
    """At least this share of those called positive is to be positive."""
    recall: float
    """At least this share of the positives is to be found."""
    rate: float
    """At most this share of all rows is to be called positive."""
    capacity: float
    """So many rows can be looked at..."""
    of: float
    """... of so many."""
    false_positive_cost: float
    """What it costs to call a negative positive."""
    false_negative_cost: float
    """What it costs to miss a positive, in the same currency."""


class WeightOptions(TypedDict, total=False):
    """Which weights to show; nothing is needed."""

    attribute: str
    """Only those of this attribute."""
    label: str
    """Only those of this label's score."""
    robust: bool
    """Standard errors that do not rely on the model being true."""
    limit: int
    """How many, of those that matter most; 100 if not given."""

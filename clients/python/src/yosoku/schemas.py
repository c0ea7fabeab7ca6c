# Generated from openapi.yaml by `make python-client`; do not edit.

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr
from typing import Annotated, Any, Literal


class AskedQuery(BaseModel):
    """
    A query as it was asked.
    """

    connection: str
    """
    The name of the connection.
    """
    sql: str | None = None
    """
    The query. Not in lists.
    """
    database: str | None = None
    """
    The database, if it was named.
    """
    user: str | None = None
    """
    Who asked, if that was said.
    """


class Change(BaseModel):
    """
    A change of a resource; what is not given stays.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    """
    The new name.
    """


class Dataset(BaseModel):
    """
    A dataset: a name for the present version of a file.
    """

    name: str
    """
    The name.
    """
    version: str
    """
    The SHA-256 of the bytes.
    """
    size_bytes: Annotated[int, Field(ge=0)]
    """
    Length in bytes.
    """
    content_type: str | None = None
    """
    The media type that the sender declared.
    """
    content_encoding: str | None = None
    """
    The compression that the sender declared.
    """
    created_at: str
    """
    When the name was first used.
    """
    updated_at: str
    """
    When this version became the present one.
    """
    content: str
    """
    Where the bytes are.
    """


class Estimate(BaseModel):
    """
    A weight with its standard error and its 95 % interval.
    """

    weight: float
    """
    The weight.
    """
    error: float | None = None
    """
    Its standard error.
    """
    low: float | None = None
    """
    The lower limit of the interval.
    """
    high: float | None = None
    """
    The upper limit of the interval.
    """
    odds_ratio: float | None = None
    """
    What it multiplies odds by; absent for a number.
    """
    odds_low: float | None = None
    """
    The lower limit of the odds ratio.
    """
    odds_high: float | None = None
    """
    The upper limit of the odds ratio; absent where it is beyond all numbers.
    """


class Explanation(BaseModel):
    """
    Why a record got its score: the baseline and all contributions add up to the score. The scale is
    log-odds of the positive label, the class's score before it becomes a probability, or the number.
    """

    baseline: float
    """
    What an average training row gets.
    """
    contributions: dict[str, Any]
    """
    What each field adds.
    """
    score: float
    """
    The sum.
    """


class EarlierItem(RootModel[int]):
    root: Annotated[int, Field(ge=0)]


class FamilyAlias(BaseModel):
    """
    A name for one version.
    """

    alias: str
    """
    The name.
    """
    version: Annotated[int, Field(ge=0)]
    """
    The version that answers.
    """
    model: str
    """
    Its model.
    """
    shadow: Annotated[int | None, Field(ge=0)] = None
    """
    The version that answers the same requests unseen, to be compared.
    """
    since: str
    """
    Since when.
    """
    earlier: list[EarlierItem]
    """
    The versions that answered before, the latest last; a rollback goes to the latest whose model is not deleted.
    """


class FamilyVersion(BaseModel):
    """
    A model in its family.
    """

    version: Annotated[int, Field(ge=0)]
    """
    Its number, counted from 1.
    """
    model: str
    """
    The model.
    """
    added_at: str
    """
    When it was added.
    """


class ModelChange(BaseModel):
    """
    A change of a model; what is not given stays.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    """
    The new name.
    """
    threshold: float | None = None
    """
    The new threshold, from 0 to 1; finished binary models only.
    """


class ModelIntercept(BaseModel):
    """
    The score of a row that no weight adds to.
    """

    class_: Annotated[str | None, Field(alias="class")] = None
    """
    Of which class; absent for a number.
    """
    at_means: Estimate
    """
    Where all numbers are at their means.
    """
    at_zero: Estimate
    """
    Where all numbers are 0.
    """


class ModelType(RootModel[Literal["binary", "multiclass", "regression"]]):
    root: Literal["binary", "multiclass", "regression"]
    """
    The question that a model answers.
    """


class ModelWeight(BaseModel):
    """
    One weight.
    """

    class_: Annotated[str | None, Field(alias="class")] = None
    """
    The class to whose score it adds; absent for a number.
    """
    attribute: str
    """
    The attribute that the feature is made from; several are joined by ` × `.
    """
    part: str
    """
    Which part of it: empty for a plain number, else for example `= red`, `in [3, 5)`, `is missing`.
    """
    deviation: float | None = None
    """
    What the feature deviates by over the training rows, in its own unit.
    """
    effect: float | None = None
    """
    How much it matters: the size of the weight per deviation.
    """
    per_unit: Estimate | None = None
    per_deviation: Estimate | None = None
    p_value: float | None = None
    """
    The chance of a weight so far from 0 if it was 0.
    """


class ModelWeights(BaseModel):
    """
    Some of a model's weights, those that matter most first.
    """

    model: str
    """
    The model.
    """
    type: Literal["binary", "multiclass", "regression"]
    """
    The question it answers.
    """
    target: str
    """
    What is predicted.
    """
    scale: str
    """
    What a weight adds to: `number`, `log_odds` of the class, or `score` of the class, whose exponential is
    proportional to its probability.
    """
    l2: float
    """
    Strength of the penalty, which shrinks weights; 0 for none.
    """
    errors: str
    """
    Which errors are shown: `classical`, `robust`, or `none`, of which a note says why.
    """
    rows: Annotated[int, Field(ge=0)]
    """
    Rows that were learned from.
    """
    effective_weights: float | None = None
    """
    Weights that the rows determine, intercepts included.
    """
    residual_deviation: float | None = None
    """
    Standard deviation of the residuals; numbers only.
    """
    reference: str
    """
    What a row has that no weight adds to.
    """
    intercepts: list[ModelIntercept]
    """
    The intercepts, one for each class shown.
    """
    total: Annotated[int, Field(ge=0)]
    """
    Weights that there are in all, after `attribute` and `class`.
    """
    weights: list[ModelWeight]
    """
    The weights on this page.
    """
    notes: list[str]
    """
    What to bear in mind.
    """


class NewAlias(BaseModel):
    """
    What an alias shall mean.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    version: Annotated[int | None, Field(ge=0)] = None
    """
    The number of a version; exactly one of this and `model` is given.
    """
    model: str | None = None
    """
    A COMPLETED model; it becomes the newest version if it is none yet.
    """
    shadow: str | None = None
    """
    A model that answers the same requests unseen; what it answers differently is counted in the metrics.
    """


class NewBatchPrediction(BaseModel):
    """
    Rows to predict into a file.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: str | None = None
    """
    Its identifier; made by the server if not given.
    """
    name: str | None = None
    """
    Free text.
    """
    model: str
    """
    The model.
    """
    datasource: str | None = None
    """
    The rows as a data source; exactly one of this and `dataset` is given.
    """
    dataset: str | None = None
    """
    The rows as a dataset; its present version is pinned.
    """
    columns: list[str] | None = None
    """
    Input columns to copy to the output.
    """
    explain: bool | None = None
    """
    Whether to add what each column contributed.
    """
    row_number: bool | None = None
    """
    Whether lines begin with the number of their record, counted from 1.
    """
    format: str | None = None
    """
    `csv` (if not given), `jsonl`: one JSON object a line, or `parquet`: scores as numbers, all else as texts.
    """
    compress: str | None = None
    """
    How the output is compressed: `none` (if not given), `gzip` or `zstd` (if not given, for the pages of Parquet).
    """
    problems: bool | None = None
    """
    Whether to list what is wrong with single records and fields.
    """


class NewEvaluation(BaseModel):
    """
    A model to judge.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: str | None = None
    """
    Its identifier; made by the server if not given.
    """
    name: str | None = None
    """
    Free text.
    """
    model: str
    """
    The model.
    """
    datasource: str
    """
    The held-out data.
    """


class NewModel(BaseModel):
    """
    A model to train.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: str | None = None
    """
    Its identifier; made by the server if not given.
    """
    name: str | None = None
    """
    Free text.
    """
    datasource: str
    """
    The training data.
    """
    type: Literal["binary", "multiclass", "regression"] | None = None
    recipe: dict[str, Any] | None = None
    """
    What is learned from; suggested from the statistics if not given.
    """
    parameters: dict[str, Any] | None = None
    """
    Parameters of the learner: texts, numbers or booleans. `l1` and `l2` are the strengths of the penalties on absolute
    values and on squares (chosen if neither is given); `max_iterations`, `max_passes`, `max_classes` and
    `max_features` are limits; `row_weight` names the column that says how much a row counts, `class_weights` is
    `balanced` or an object with a number for each label, `prior_correction` false leaves scores as those make them.
    Amazon ML's `sgd.l1RegularizationAmount`, `sgd.l2RegularizationAmount`,
    `sgd.maxPasses`, `sgd.maxMLModelSizeInBytes` and `sgd.shuffleType` are obeyed within its ranges.
    """
    positive: str | None = None
    """
    The label that counts as positive; binary models only.
    """
    from_: Annotated[str | None, Field(alias="from")] = None
    """
    A model to go on from: its schema and recipe unless others are given, its penalty in place of a new search, and
    its weights to begin with.
    """


class NewQuery(BaseModel):
    """
    A query to a database that the server's operator has listed.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    connection: Annotated[str, Field(examples=["sales"])]
    """
    The name of the connection.
    """
    sql: Annotated[str, Field(examples=["select country, amount, is_fraud from orders"])]
    """
    The query: one statement that only reads.
    """
    database: str | None = None
    """
    The database, if the connection names none.
    """
    user: str | None = None
    """
    Who asks, if the connection has no user of its own.
    """
    password: SecretStr | None = None
    """
    Their password. It is kept in memory until the query has run, and nowhere else.
    """


class NewTraining(BaseModel):
    """
    The whole way from a dataset to an evaluated model.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: str | None = None
    """
    What the identifiers of everything made here begin with; made by the server if not given.
    """
    name: str | None = None
    """
    Free text, given to all of them.
    """
    dataset: str
    """
    The dataset; its present version is pinned.
    """
    target: str | None = None
    """
    The column to predict; may be left out if the schema names it.
    """
    type: Literal["binary", "multiclass", "regression"] | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    """
    An Amazon ML schema document; inferred if not given.
    """
    recipe: dict[str, Any] | None = None
    """
    What is learned from; suggested if not given.
    """
    parameters: dict[str, Any] | None = None
    """
    Parameters of the learner: texts, numbers or booleans. `l1` and `l2` are the strengths of the penalties on absolute
    values and on squares (chosen if neither is given); `max_iterations`, `max_passes`, `max_classes` and
    `max_features` are limits; `row_weight` names the column that says how much a row counts, `class_weights` is
    `balanced` or an object with a number for each label, `prior_correction` false leaves scores as those make them.
    Amazon ML's `sgd.l1RegularizationAmount`, `sgd.l2RegularizationAmount`,
    `sgd.maxPasses`, `sgd.maxMLModelSizeInBytes` and `sgd.shuffleType` are obeyed within its ranges.
    """
    positive: str | None = None
    """
    The label that counts as positive; binary models only.
    """
    holdout: float | None = None
    """
    Percentage of the rows held out for the evaluation, 30 if not given; 0 means no evaluation.
    """
    seed: Annotated[int | None, Field(ge=0)] = None
    """
    Seed of the split, 1 if not given.
    """
    split: dict[str, Any] | None = None
    """
    How rows are held out, at random if not given: `strategy` and `column` as in a data source. With
    percentages it is the part to learn from, and `holdout` is left out.
    """
    header: str | None = None
    """
    Whether the first line names the columns: `auto`, `yes` or `no`.
    """


class NewVersion(BaseModel):
    """
    A model to add.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    model: str
    """
    A COMPLETED model.
    """


class Item2(Dataset):
    """
    A dataset: a name for the present version of a file.
    """


class PageDataset(BaseModel):
    """
    One page of a list.
    """

    items: list[Item2]
    """
    The items, in the order asked for, without their big documents.
    """
    next_cursor: str | None = None
    """
    Send it as `cursor` for the next page; null at the end.
    """


class Item4(BaseModel):
    """
    A family of models.
    """

    name: str
    """
    Its name.
    """
    versions: list[FamilyVersion]
    """
    Its models, oldest first.
    """
    aliases: list[FamilyAlias]
    """
    Names for some versions.
    """
    created_at: str
    """
    When it was made.
    """
    updated_at: str
    """
    When it was last changed.
    """


class PageFamily(BaseModel):
    """
    One page of a list.
    """

    items: list[Item4]
    """
    The items, in the order asked for, without their big documents.
    """
    next_cursor: str | None = None
    """
    Send it as `cursor` for the next page; null at the end.
    """


class PredictRequest(BaseModel):
    """
    What to predict: one record or several.
    """

    record: dict[str, Any] | None = None
    """
    One record: fields by name, or an array of values in the order of the model's columns. Texts count as they
    are, numbers as they are written (1.50 stays `1.50`), null is a missing value.
    """
    records: list[dict[str, Any]] | None = None
    """
    Several records, at most 10,000; each as in `record`.
    """


class ProblemEntry(BaseModel):
    """
    What is wrong with one field.
    """

    pointer: Annotated[str, Field(examples=["/records/3/age"])]
    """
    A JSON pointer into the request body.
    """
    code: Annotated[str, Field(examples=["invalid_value"])]
    """
    The stable code of this entry.
    """
    detail: Annotated[str, Field(examples=["`abc` is not a number"])]
    """
    What is wrong there.
    """


class Progress(BaseModel):
    """
    How far the work on a resource is.
    """

    fraction: float
    """
    From 0 to 1.
    """
    stage: str | None = None
    """
    What is being done now: profile, featurize, encode, search, solve, evaluate, predict or write.
    """
    rows: Annotated[int | None, Field(ge=0)] = None
    """
    Rows handled so far, where known.
    """
    eta_seconds: Annotated[int | None, Field(ge=0)] = None
    """
    Estimated seconds left, where known.
    """


class Statistics(BaseModel):
    """
    Statistics of the rows of a data source.
    """

    insights: list[dict[str, Any]]
    """
    What may hurt a model, the most important first; empty when nothing was found.
    """


class ThresholdOutcome(BaseModel):
    """
    What is to be expected of a threshold: shares with 95 % intervals.
    """

    threshold: float
    """
    Records with this score or a higher one are called positive.
    """
    confusion: dict[str, Any]
    """
    Positives and negatives (`tp`, `fp`) called positive, negatives and positives (`tn`, `fn`) called negative.
    """
    precision: dict[str, Any]
    """
    The share of positives among those called positive.
    """
    recall: dict[str, Any]
    """
    The share of the positives that are called positive.
    """
    rate: dict[str, Any]
    """
    The share of all records that are called positive.
    """
    cost: dict[str, Any] | None = None
    """
    What errors cost for each record on average, where costs are given.
    """


class Training(BaseModel):
    """
    Where to find everything that was made.
    """

    datasource: str
    """
    The data source of the rows to learn from.
    """
    evaluation_datasource: str | None = None
    """
    The data source of the rows held out; null with a holdout of 0.
    """
    model: str
    """
    The model.
    """
    evaluation: str | None = None
    """
    The evaluation, the last one to end; null with a holdout of 0.
    """


class Used(BaseModel):
    """
    What was used, and what it would have cost: 0.42 USD for an hour of computing, 0.10 USD for 1,000 predictions in
    batches, 0.0001 USD for each in real time.
    """

    model: str | None = None
    """
    The model; absent for statistics of data sources, and in the total.
    """
    owner: str | None = None
    """
    The name of the key; absent on a server without keys, and in the total.
    """
    key: str | None = None
    """
    The identifier of the key, which tells keys of one name apart; absent where it is not known.
    """
    compute_ms: Annotated[int, Field(ge=0)]
    """
    Milliseconds that statistics, training and evaluation that ended well have worked.
    """
    batch_predictions: Annotated[int, Field(ge=0)]
    """
    Records answered in batches; those that could not be read are free.
    """
    realtime_predictions: Annotated[int, Field(ge=0)]
    """
    Records answered in real time.
    """
    amount_usd: float
    """
    The amount in US dollars: exact to a millionth, what is below left out; that of the total, which is no less than the
    sum of all others, rounded up to the cent.
    """


class Warning(BaseModel):
    """
    One odd field.
    """

    field: str
    """
    The field.
    """
    code: str
    """
    unknown_field, missing, invalid, out_of_range, unknown_category, unknown_words, text_for_number (sent as a
    text, counts as the number) or number_for_text (sent as a number, counts as the text).
    """
    value: str | None = None
    """
    The value, shortened.
    """


class Family(Item4):
    """
    A family of models.
    """


class NewDataSource(BaseModel):
    """
    A data source to make.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    id: str | None = None
    """
    Its identifier; made by the server if not given.
    """
    name: str | None = None
    """
    Free text.
    """
    dataset: str | None = None
    """
    The dataset to read; its present version is pinned. One of this, `location` and `query` is given.
    """
    location: Annotated[str | None, Field(examples=["s3://shop/orders/"])] = None
    """
    Where the files lie otherwise: a file, or a folder of files with a `/` at the end. They are read as they are
    when the data source is made, and later steps notice when they were changed.
    """
    query: NewQuery | None = None
    target: str | None = None
    """
    The column to predict; may be left out if the schema names it or nothing is learned.
    """
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    """
    An Amazon ML schema document; inferred from every row if not given.
    """
    split: dict[str, Any] | None = None
    """
    Which rows belong to it, all if not given: those from `percent_begin` (0) to `percent_end` (100), or with
    `complement` the others, by the `strategy` `random` (with a `seed`), `sequential`, `stratified` (each
    value of a `column`, by default the target, keeps its share; `seed`), `group` (equal values of `column`
    stay together; `seed`) or `time` (later values of `column` in later parts). An Amazon ML
    `{"splitting": {…}}` is understood as well.
    """
    header: str | None = None
    """
    Whether the first line names the columns: `auto`, `yes` or `no`. Files at a location and queries: `yes` (if
    nothing is said) or `no`.
    """


class Prediction(BaseModel):
    """
    The prediction for one record.
    """

    label: str | None = None
    """
    The answered label; absent for a number.
    """
    score: float | None = None
    """
    Binary: the probability of the positive label. Multiclass: the probability of `label`.
    """
    value: float | None = None
    """
    The predicted number; regression only.
    """
    probabilities: dict[str, Any] | None = None
    """
    The probability of each label; absent for a number.
    """
    threshold: float | None = None
    """
    Scores of at least this are answered with the positive label; binary only.
    """
    warnings: list[Warning]
    """
    What was odd about the record; the prediction was made all the same.
    """
    more_warnings: Annotated[int | None, Field(ge=0)] = None
    """
    How many further warnings were left out.
    """
    explanation: Explanation | None = None


class Problem(BaseModel):
    """
    What went wrong and what to do about it (RFC 9457).
    """

    type: str
    """
    A name for the kind of problem that never changes: `urn:yosoku:error:` and the code.
    """
    title: str
    """
    The kind of problem in words, the same each time.
    """
    status: Annotated[int, Field(ge=0)]
    """
    The HTTP status.
    """
    detail: str
    """
    What happened this time.
    """
    instance: str | None = None
    """
    The path that was asked for.
    """
    code: str
    """
    The stable code to branch on.
    """
    request_id: str | None = None
    """
    The request's identifier, also in the server's log.
    """
    errors: list[ProblemEntry] | None = None
    """
    What is wrong with each field, at most twenty entries.
    """
    truncated_count: Annotated[int | None, Field(ge=0)] = None
    """
    How many further entries were left out of `errors`.
    """
    hint: str | None = None
    """
    What usually mends this kind of problem.
    """
    details: dict[str, Any] | None = None
    """
    More facts for programs, on the error of a resource that FAILED.
    """


class ThresholdAdvice(BaseModel):
    """
    A threshold, what to expect of it, and what the present one does.
    """

    evaluation: str
    """
    The evaluation whose records were counted.
    """
    model: str
    """
    The model; `PATCH /v1/models/{id}` with `{"threshold": ...}` makes it answer by the threshold.
    """
    records: Annotated[int, Field(ge=0)]
    """
    Records evaluated.
    """
    positives: Annotated[int, Field(ge=0)]
    """
    Positives among them.
    """
    positive: str | None = None
    """
    The label that counts as positive.
    """
    advised: ThresholdOutcome
    """
    What reaches the goal best.
    """
    evaluated: ThresholdOutcome
    """
    What the threshold does that the evaluation was made with.
    """


class UsageReport(BaseModel):
    """
    What was used in some days.
    """

    from_: Annotated[str | None, Field(alias="from")] = None
    """
    The first day, if one was asked for.
    """
    to: str
    """
    The last day.
    """
    items: list[Used]
    """
    By model and key, those who used most first; at most 1000.
    """
    total: Used
    """
    All together.
    """
    you_paid_usd: Annotated[int, Field(examples=[0], ge=0)]
    """
    What was paid for it.
    """


class Head(BaseModel):
    """
    What every resource says about itself. Times are RFC 3339 in UTC.
    """

    id: str
    """
    Unique within its kind, never used again.
    """
    name: str
    """
    Free text.
    """
    owner: str | None = None
    """
    Who made it: the name of the key; absent on a server without keys.
    """
    status: Literal["PENDING", "INPROGRESS", "COMPLETED", "FAILED", "DELETED"]
    """
    How far it is.
    """
    progress: Progress
    """
    How far the work is.
    """
    message: str | None = None
    """
    The latest thing to know, in one sentence.
    """
    error: Problem | None = None
    created_at: str
    """
    When it was asked for.
    """
    updated_at: str
    """
    When its status, name or settings last changed.
    """
    started_at: str | None = None
    """
    When the work first began.
    """
    finished_at: str | None = None
    """
    When the work ended.
    """


class Model(Head):
    """
    A model.
    """

    datasource: str
    """
    The training data.
    """
    type: Literal["binary", "multiclass", "regression"] | None = None
    parameters: dict[str, str]
    """
    Learning parameters, as given.
    """
    positive: str | None = None
    """
    The label whose probability is the score: as asked for, or as decided once COMPLETED; binary models only.
    """
    target: dict[str, Any] | None = None
    """
    What is predicted and its labels.
    """
    reason: str | None = None
    """
    Why the question is what it is.
    """
    threshold: float | None = None
    """
    Scores of at least this are answered with the positive label; binary models only.
    """
    hash: str | None = None
    """
    The hash of everything learned; equal for equal data, recipe, parameters and version.
    """
    size_bytes: Annotated[int | None, Field(ge=0)] = None
    """
    Length of the model file in bytes.
    """
    bundle: str | None = None
    """
    The model file, once COMPLETED.
    """
    features: Annotated[int | None, Field(ge=0)] = None
    """
    Number of features.
    """
    rows: dict[str, Any] | None = None
    """
    Rows read, learned from and left out.
    """
    seconds: dict[str, Any] | None = None
    """
    Seconds per stage.
    """
    memory: dict[str, Any] | None = None
    """
    What training was to take of memory, in bytes, and whether its rows were in memory or on disk.
    """
    warnings: list[str] | None = None
    """
    Remarks for people.
    """
    recipe: dict[str, Any] | None = None
    """
    What was learned from: as given, or as suggested once COMPLETED. Not in lists.
    """
    solver: dict[str, Any] | None = None
    """
    How the weights were found, and the certificate of the optimum. Not in lists.
    """
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    """
    The schema of a record. Not in lists.
    """
    from_: Annotated[str | None, Field(alias="from")] = None
    """
    The model it went on from.
    """


class Item(Head):
    """
    A batch prediction.
    """

    model: str
    """
    The model.
    """
    datasource: str | None = None
    """
    The rows, if they are a data source.
    """
    dataset: str | None = None
    """
    The rows, if they are a dataset.
    """
    dataset_version: str | None = None
    """
    The version of the dataset that was pinned.
    """
    columns: list[str]
    """
    Input columns that are copied to the output.
    """
    explain: bool
    """
    Whether the output says what each column contributed.
    """
    row_number: bool
    """
    Whether lines begin with the number of their record.
    """
    format: str
    """
    `csv`, `jsonl` or `parquet`.
    """
    compress: str
    """
    `none`, `gzip` or `zstd`.
    """
    problems: bool
    """
    Whether problems of single records are listed.
    """
    rows: Annotated[int | None, Field(ge=0)] = None
    """
    Input records.
    """
    invalid_rows: Annotated[int | None, Field(ge=0)] = None
    """
    Input records that could not be read; their output line is blank, or a row of nulls.
    """
    size_bytes: Annotated[int | None, Field(ge=0)] = None
    """
    Length of the output in bytes.
    """
    output_location: Annotated[str | None, Field(examples=["s3://shop/out/"])] = None
    """
    The folder in object storage where the results are instead, if they were asked for there.
    """
    output: str | None = None
    """
    The output, once COMPLETED.
    """
    problem_file: str | None = None
    """
    The list of problems, if it was asked for, once COMPLETED.
    """
    summary: dict[str, Any] | None = None
    """
    Problems with examples, how often each kind of odd field was met, and, if the data hold the target, metrics. Not
    in lists.
    """


class PageBatchPrediction(BaseModel):
    """
    One page of a list.
    """

    items: list[Item]
    """
    The items, in the order asked for, without their big documents.
    """
    next_cursor: str | None = None
    """
    Send it as `cursor` for the next page; null at the end.
    """


class Item1(Head):
    """
    A data source.
    """

    dataset: str | None = None
    """
    The dataset, if the data were uploaded.
    """
    dataset_version: str | None = None
    """
    The version of the dataset that was pinned.
    """
    location: Annotated[str | None, Field(examples=["s3://shop/orders.csv"])] = None
    """
    Where the data lie otherwise: a file, or a folder of files with a `/` at the end.
    """
    query: AskedQuery | None = None
    target: str | None = None
    """
    The column to predict, as asked for.
    """
    header: str | None = None
    """
    Whether the first line names the columns, as asked for.
    """
    split: dict[str, Any] | None = None
    """
    Which rows belong to it; all if absent.
    """
    rows: Annotated[int | None, Field(ge=0)] = None
    """
    Usable rows.
    """
    size_bytes: Annotated[int | None, Field(ge=0)] = None
    """
    Bytes of input.
    """
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    """
    The schema: as given, or as inferred once COMPLETED. Not in lists.
    """
    statistics: dict[str, Any] | None = None
    """
    Statistics of the table and of each column; histograms have 20 bars. Not in lists.
    """
    insights: list[dict[str, Any]] | None = None
    """
    What may hurt a model, the most important first, each with `code`, `columns` (the first five), `count` (of
    columns), `message`, `evidence` and `suggestion`. None blocks anything. Not in lists.
    """


class PageDataSource(BaseModel):
    """
    One page of a list.
    """

    items: list[Item1]
    """
    The items, in the order asked for, without their big documents.
    """
    next_cursor: str | None = None
    """
    Send it as `cursor` for the next page; null at the end.
    """


class Item3(Head):
    """
    An evaluation. The most asked for members of its report stand at its top.
    """

    model: str
    """
    The model.
    """
    datasource: str
    """
    The held-out data.
    """
    type: str | None = None
    """
    The question the model answers: binary, multiclass or regression.
    """
    records: Annotated[int | None, Field(ge=0)] = None
    """
    Records evaluated.
    """
    positive: str | None = None
    """
    The label that counts as positive; binary models only.
    """
    metrics: dict[str, Any] | None = None
    """
    Each metric with its 95 % interval.
    """
    baseline: dict[str, Any] | None = None
    """
    What answering without a model would reach.
    """
    report: dict[str, Any] | None = None
    """
    The whole report: curves, confusion, histograms and notes. Not in lists.
    """


class PageEvaluation(BaseModel):
    """
    One page of a list.
    """

    items: list[Item3]
    """
    The items, in the order asked for, without their big documents.
    """
    next_cursor: str | None = None
    """
    Send it as `cursor` for the next page; null at the end.
    """


class Item5(Model):
    """
    A model.
    """


class PageModel(BaseModel):
    """
    One page of a list.
    """

    items: list[Item5]
    """
    The items, in the order asked for, without their big documents.
    """
    next_cursor: str | None = None
    """
    Send it as `cursor` for the next page; null at the end.
    """


class PredictAnswer(BaseModel):
    """
    Predictions in the order of the records.
    """

    model: str
    """
    The model.
    """
    model_hash: str
    """
    The hash of what the model learned.
    """
    type: Literal["binary", "multiclass", "regression"]
    """
    The question it answers.
    """
    family: str | None = None
    """
    The family by which the model was asked for.
    """
    version: Annotated[int | None, Field(ge=0)] = None
    """
    The model's number in that family.
    """
    prediction: Prediction | None = None
    predictions: list[Prediction] | None = None
    """
    One prediction for each of `records`, or of the lines of a CSV.
    """
    warnings: list[Warning] | None = None
    """
    What was odd about the request itself.
    """


class BatchPrediction(Item):
    """
    A batch prediction.
    """


class DataSource(Item1):
    """
    A data source.
    """


class Evaluation(Item3):
    """
    An evaluation. The most asked for members of its report stand at its top.
    """

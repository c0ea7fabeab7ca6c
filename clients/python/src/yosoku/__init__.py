"""Python client of Yosoku: from a table to a model, its evaluation and predictions.

import yosoku

client = yosoku.connect()
model = client.train("orders.csv", target="returned")
model.evaluation["auc"]
model.predict({"amount": 120, "country": "DE"}, explain=True).reasons
"""

from . import schemas
from .aio import AsyncClient, AsyncModel, connect_async
from .client import Client, Model, connect
from .errors import FieldError, JobFailed, Unreachable, YosokuError
from .insights import Finding, Insights
from .results import Advice, Evaluation, Prediction, Predictions, Weights
from .server import LocalServer

__all__ = [
    "Advice",
    "AsyncClient",
    "AsyncModel",
    "Client",
    "Evaluation",
    "FieldError",
    "Finding",
    "Insights",
    "JobFailed",
    "LocalServer",
    "Model",
    "Prediction",
    "Predictions",
    "Unreachable",
    "Weights",
    "YosokuError",
    "connect",
    "connect_async",
    "schemas",
]

"""Python client of Yosoku: from a table to a model, its evaluation and predictions.

import yosoku

client = yosoku.connect()
model = client.train("orders.csv", target="returned")
model.evaluation["auc"]
model.predict({"amount": 120, "country": "DE"}, explain=True).reasons
"""

from importlib.metadata import PackageNotFoundError, version

from . import schemas
from .aio import AsyncClient, AsyncModel, connect_async
from .client import Client, Model, connect
from .errors import FieldError, JobFailed, Unreachable, YosokuError
from .insights import Finding, Insights
from .results import Advice, Evaluation, Prediction, Predictions, Weights
from .server import LocalServer

try:
    __version__ = version("yosoku")
except PackageNotFoundError:  # Used from a checkout.
    __version__ = "0.1.0"

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
    "__version__",
    "connect",
    "connect_async",
    "schemas",
]

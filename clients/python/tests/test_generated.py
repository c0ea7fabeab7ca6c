"""What is generated is up to date, and what is written by hand agrees with it."""

import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

from yosoku import options, schemas

HERE = Path(__file__).resolve().parents[1]


def test_schemas_and_the_blocking_client_are_what_the_generator_writes() -> None:
    done = subprocess.run(
        [sys.executable, HERE / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_options_are_those_of_the_interface() -> None:
    assert set(options.TrainOptions.__annotations__) == names(schemas.NewTraining) - {"dataset", "target"}
    made_here = {"id", "name", "dataset", "location", "query", "target"}
    assert set(options.InspectOptions.__annotations__) == names(schemas.NewDataSource) - made_here
    made_here = {"id", "name", "model", "dataset", "datasource", "problems"}
    assert set(options.BatchOptions.__annotations__) == names(schemas.NewBatchPrediction) - made_here

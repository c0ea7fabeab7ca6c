"""The obvious way: a model of the fields, a function, and the record as a table of one row through the pipeline."""

import os

import joblib
import pandas
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from workloads.columns import WORKLOADS

CLICKS = WORKLOADS["clicks"]
Record = create_model(
    "Record",
    **dict.fromkeys(CLICKS.numbers, (float | None, None)),
    **dict.fromkeys((*CLICKS.categories, *CLICKS.texts), (str | None, None)),
)
TYPES = dict.fromkeys(CLICKS.numbers, float)
FILLED = {**dict.fromkeys(CLICKS.categories, "missing"), **dict.fromkeys(CLICKS.texts, "")}


class Asked(BaseModel):
    record: Record


app = FastAPI()
pipeline = joblib.load(os.environ["MODEL"])


@app.post("/predict")
def predict(asked: Asked):
    frame = pandas.DataFrame([asked.record.model_dump()]).astype(TYPES).fillna(FILLED)
    score = float(pipeline.predict_proba(frame)[0, 1])
    return {"label": int(score >= 0.5), "score": score}

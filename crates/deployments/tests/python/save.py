"""Saves models as users do: `save.py FOLDER` makes a folder for each in that one."""

import datetime
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.type_hints import TypeFromExample
from sklearn.linear_model import LogisticRegression

OUT = Path(sys.argv[1])
FRAME = pd.DataFrame({"a": [0.5, 1.5, 2.5, 3.5], "b": [1.0, 0.0, 1.0, 0.0], "c": [2.0, 4.0, 8.0, 9.0]})
CODE = """
import mlflow


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input.sum(axis=1)


mlflow.models.set_model(Model())
"""


class Hinted(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[dict[str, int]]) -> list[str]:
        return [repr(row) for row in model_input]


class FromExample(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: TypeFromExample):
        return [type(model_input).__name__, repr(model_input)]


class WithParams(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [f"{name}={value!r}" for name, value in params.items()]


def save(name, **options):
    mlflow.pyfunc.save_model(OUT / name, pip_requirements=["mlflow"], **options)


model = LogisticRegression().fit(FRAME, [0, 1, 0, 1])
mlflow.sklearn.save_model(
    model,
    OUT / "sklearn",
    signature=infer_signature(FRAME, np.array([0.5])),
    input_example=FRAME,
    pyfunc_predict_fn="predict_proba",
    serialization_format="cloudpickle",
    pip_requirements=["scikit-learn"],
)
(OUT / "written.py").write_text(CODE)
save("code", python_model=str(OUT / "written.py"), signature=infer_signature(FRAME))
save("hinted", python_model=Hinted(), input_example=[{"k": 1}])
save("from_example", python_model=FromExample(), input_example=["a", "b"])
specs = [
    ParamSpec("when", "datetime", np.datetime64("2026-01-02T03:04:05")),
    ParamSpec("top", "integer", 3),
    ParamSpec("heat", "double", 0.5),
    ParamSpec("words", "string", ["x"], (-1,)),
]
signature = ModelSignature(inputs=Schema([ColSpec("double", "a")]), params=ParamSchema(specs))
save("params", python_model=WithParams(), signature=signature)

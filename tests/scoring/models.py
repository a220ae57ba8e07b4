"""Write what MLflow writes beside a model, as files to read in the tests of `crates/models`.

    python tests/scoring/models.py

Only texts are kept: `MLmodel`, environments and examples, one folder for each model.
"""

import shutil
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression

OUT = Path(__file__).parent / "../../crates/models/tests/models"
FRAME = pd.DataFrame({"height": [1.5, 2.0, None], "count": [1, 2, 3], "name": ["a", "b", "c"]})
GRID = np.arange(12.0).reshape(4, 3)


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


class Hinted(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return model_input


def forest(path):
    model = RandomForestRegressor(n_estimators=2).fit(GRID, GRID[:, 0])
    example = pd.DataFrame(GRID, columns=["a", "b", "c"])
    mlflow.sklearn.save_model(
        model,
        path,
        input_example=example,
        serialization_format="cloudpickle",
        pip_requirements=["scikit-learn==1.9.1", "mlflow==3.17.2"],
        metadata={"team": "öl", "tags": ["x", 1, 2.5, None]},
    )


def classifier(path):
    model = LogisticRegression().fit(GRID, [0, 1, 0, 1])
    mlflow.sklearn.save_model(
        model,
        path,
        input_example=GRID,
        pyfunc_predict_fn="predict_proba",
        extra_pip_requirements=["six>=1.16"],
    )


def echo(path):
    signature = infer_signature(FRAME, FRAME, params={"top": 3, "weights": [0.5, 1.5], "name": "x"})
    mlflow.pyfunc.save_model(
        path,
        python_model=Echo(),
        signature=signature,
        input_example=(FRAME, {"top": 5}),
        conda_env={
            "name": "echo",
            "channels": ["conda-forge", "defaults"],
            "dependencies": [
                "python=3.11.4",
                "libgomp=13",
                "pip<=25",
                {"pip": ["mlflow==3.17.2", "pandas"]},
            ],
        },
        model_config={"temperature": 0.5, "deep": {"on": "yes", "n": 3}},
    )


def nested(path):
    rows = [{"messages": [{"role": "user", "content": "hi"}], "extra": {"k": 1.5}, "none": None}]
    mlflow.pyfunc.save_model(
        path,
        python_model=Echo(),
        signature=infer_signature(rows, "x"),
        input_example=rows[0],
        pip_requirements=["mlflow"],
    )


def hinted(path):
    mlflow.pyfunc.save_model(
        path, python_model=Hinted(), input_example=["a", "b"], pip_requirements=["mlflow"]
    )


def tensors(path):
    example = {"x": GRID.astype("float32"), "y": np.array([1, 2, 3, 4])}
    mlflow.pyfunc.save_model(
        path,
        python_model=Echo(),
        signature=infer_signature(example, GRID),
        input_example=example,
        pip_requirements=["mlflow"],
    )


def main():
    for make in [forest, classifier, echo, nested, hinted, tensors]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            make(path)
            kept = OUT / make.__name__
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            for file in path.iterdir():
                if file.suffix in ("", ".yaml", ".txt", ".json") and file.is_file():
                    shutil.copy(file, kept / file.name)


if __name__ == "__main__":
    main()

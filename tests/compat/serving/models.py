"""Trains and saves the models that the tests serve, with whichever MLflow runs it.

    python -m serving.models FOLDER

also writes FOLDER/expected.json: for each model a request and the library's own predictions.
"""

import json
import sys
import warnings
from pathlib import Path

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from serving import python_models

MAJOR = int(mlflow.__version__.split(".")[0])
REQUIREMENTS = [f"mlflow=={mlflow.__version__}", "scikit-learn"]
RANDOM = np.random.default_rng(7)
NUMBERS = pd.DataFrame(RANDOM.normal(size=(80, 3)), columns=["a", "b", "c"])
TARGET = NUMBERS["a"] * 2 - NUMBERS["b"] + RANDOM.normal(size=80) * 0.1
CLASSES = np.array(["low", "mid", "hüh"])[np.digitize(TARGET, [-1, 1])]
TOWNS = pd.DataFrame(
    {
        "town": RANDOM.choice(["Ulm", "Köln", "Bonn"], 80),
        "area": np.where(RANDOM.random(80) < 0.2, np.nan, RANDOM.normal(size=80)),
        "rooms": RANDOM.integers(1, 6, 80),
    }
)
# What takes part in a comparison of bits, and what is compared with a tolerance.
LINEAR = {"ridge", "proba"}
NATIVE = ["forest", "ridge", "proba", "towns", "labels", "grid"]
PYTHON = ["weighted", "echo", "raising", "script", "hinted"]


def save_sklearn(path, model, example, output, **options):
    if MAJOR >= 3:
        options.setdefault("serialization_format", "cloudpickle")
    mlflow.sklearn.save_model(
        model,
        path,
        signature=infer_signature(example, output),
        input_example=example.head(3) if isinstance(example, pd.DataFrame) else example[:3],
        pip_requirements=REQUIREMENTS,
        **options,
    )
    return model


def forest(path):
    model = RandomForestRegressor(n_estimators=5, random_state=0).fit(NUMBERS, TARGET)
    return save_sklearn(path, model, NUMBERS, model.predict(NUMBERS))


def ridge(path):
    model = Ridge().fit(NUMBERS, TARGET)
    options = {"serialization_format": "skops"} if MAJOR >= 3 else {}
    return save_sklearn(path, model, NUMBERS, model.predict(NUMBERS), **options)


def proba(path):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, TARGET > 0)
    output = model.predict_proba(NUMBERS)
    return save_sklearn(path, model, NUMBERS, output, pyfunc_predict_fn="predict_proba")


def towns(path):
    prepared = ColumnTransformer(
        [
            ("town", OneHotEncoder(handle_unknown="ignore"), ["town"]),
            ("rest", SimpleImputer(), ["area", "rooms"]),
        ]
    )
    model = make_pipeline(prepared, RandomForestRegressor(n_estimators=5, random_state=0))
    model.fit(TOWNS, TARGET)
    return save_sklearn(path, model, TOWNS, model.predict(TOWNS))


def labels(path):
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0)
    model.fit(NUMBERS, CLASSES)
    return save_sklearn(path, model, NUMBERS, model.predict(NUMBERS))


def grid(path):
    """A tensor as signature."""
    values = NUMBERS.to_numpy()
    model = RandomForestRegressor(n_estimators=5, random_state=0).fit(values, TARGET)
    return save_sklearn(path, model, values, model.predict(values))


def save_python(path, model, signature, **options):
    mlflow.pyfunc.save_model(
        path, python_model=model, signature=signature, pip_requirements=REQUIREMENTS, **options
    )


def weighted(path):
    params = {"factor": 1.0, "prefix": "=", "weights": [0.5, 1.5]}
    signature = infer_signature(NUMBERS, ["x"], params=params)
    save_python(path, python_models.Weighted(), signature)


def echo(path):
    frame = pd.DataFrame(
        {
            "n": np.array([1, 2], "int64"),
            "i": np.array([1, 2], "int32"),
            "x": [0.5, 1.5],
            "f": np.array([0.5, 1.5], "float32"),
            "s": ["a", "b"],
            "t": [True, False],
            "d": pd.to_datetime(["2026-01-02", "2026-01-03"]),
        }
    )
    save_python(path, python_models.Echo(), infer_signature(frame, frame))


def raising(path):
    save_python(path, python_models.Raising(), infer_signature(pd.DataFrame({"how": ["x"]})))


def script(path):
    signature = infer_signature(NUMBERS, NUMBERS, params={"factor": 1.0})
    save_python(path, str(Path(__file__).parent / "from_code.py"), signature)


def hinted(path):
    save_python(path, python_models.Hinted(), None, input_example=["a", "ß"])


def save(folder: Path, names: list[str]) -> dict[str, object]:
    """Saves the models of these names below the folder; the estimators by name."""
    warnings.simplefilter("ignore")
    cloudpickle.register_pickle_by_value(python_models)
    return {name: globals()[name](str(folder / name)) for name in names}


def payload(name: str) -> dict:
    """A good request for a native model: all of its training data."""
    if name == "grid":
        return {"inputs": NUMBERS.to_numpy().tolist()}
    frame = TOWNS if name == "towns" else NUMBERS
    return {"dataframe_split": json.loads(frame.to_json(orient="split", double_precision=15))}


def predictions(name: str, model, body: dict) -> list:
    """The library's own answer to that request."""
    if name == "grid":
        data = np.array(body["inputs"])
    else:
        split = body["dataframe_split"]
        data = pd.DataFrame(split["data"], columns=split["columns"])
    predict = model.predict_proba if name == "proba" else model.predict
    return predict(data).tolist()


def main():
    folder = Path(sys.argv[1])
    models = save(folder, NATIVE + ["weighted", "script"])
    expected = {}
    for name in NATIVE:
        body = payload(name)
        expected[name] = {"body": body, "predictions": predictions(name, models[name], body)}
    (folder / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()

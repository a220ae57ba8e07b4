"""Models: logged, listed, loaded by run and by model id, and evaluated."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression, LogisticRegression

from client.conftest import MAJOR

# The argument that names a logged model was renamed in 3.x.
NAME = "name" if MAJOR >= 3 else "artifact_path"
X = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) ** 2})
Y = 3 * X["a"] - X["b"] + 1


def log_sklearn(model, **kwargs):
    """Logs under the name `model`; without inferring requirements, which takes seconds."""
    return mlflow.sklearn.log_model(
        model, **{NAME: "model"}, pip_requirements=["scikit-learn"], **kwargs
    )


@pytest.fixture
def model() -> LinearRegression:
    return LinearRegression().fit(X, Y)


class Doubler(mlflow.pyfunc.PythonModel):
    """Twice the column x."""

    def predict(self, context, model_input, params=None):
        return model_input["x"] * 2


def test_model_is_loaded_by_run(model):
    with mlflow.start_run() as run:
        log_sklearn(model)
    loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert (loaded.predict(X) == model.predict(X)).all()


def test_model_is_loaded_while_the_run_goes_on(model):
    with mlflow.start_run():
        info = log_sklearn(model)
        loaded = mlflow.pyfunc.load_model(info.model_uri)
        assert np.array_equal(loaded.predict(X), model.predict(X))


def test_signature_and_example_come_back(model, client):
    with mlflow.start_run() as run:
        log_sklearn(model, signature=infer_signature(X, model.predict(X)), input_example=X.head(2))
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert loaded.metadata.get_input_schema().input_names() == ["a", "b"]
    assert loaded.input_example.equals(X.head(2))
    with pytest.raises(mlflow.exceptions.MlflowException, match="schema"):
        loaded.predict(X.rename(columns={"a": "z"}))


def test_python_function_model(client):
    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model(
            python_model=Doubler(), **{NAME: "doubler"}, pip_requirements=["pandas"]
        )
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/doubler")
    assert list(loaded.predict(pd.DataFrame({"x": [1, 2]}))) == [2, 4]


def test_files_of_the_model_are_listed_below_the_run(model, client):
    with mlflow.start_run() as run:
        log_sklearn(model)
    files = {entry.path for entry in client.list_artifacts(run.info.run_id, "model")}
    assert {"model/MLmodel", "model/requirements.txt", "model/conda.yaml"} <= files


@pytest.mark.mlflow2
def test_model_history_is_kept_in_a_tag(model, client):
    with mlflow.start_run() as run:
        log_sklearn(model)
    [entry] = json.loads(client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"])
    assert entry["artifact_path"] == "model"
    assert entry["run_id"] == run.info.run_id
    assert {"python_function", "sklearn"} <= set(entry["flavors"])


@pytest.mark.mlflow3
def test_model_is_loaded_by_its_id(model):
    with mlflow.start_run():
        info = log_sklearn(model)
    loaded = mlflow.sklearn.load_model(f"models:/{info.model_id}")
    assert (loaded.predict(X) == model.predict(X)).all()


@pytest.mark.mlflow3
def test_model_without_a_run(model, client):
    info = log_sklearn(model)
    assert client.get_logged_model(info.model_id).status.value == "READY"
    assert (mlflow.sklearn.load_model(info.model_uri).predict(X) == model.predict(X)).all()


@pytest.mark.mlflow3
def test_logged_model_knows_its_run_params_tags_and_metrics(model, client, experiment_id):
    with mlflow.start_run() as run:
        info = log_sklearn(model, params={"depth": 3}, tags={"team": "a"}, model_type="regressor")
        mlflow.log_metric("rmse", 0.25, step=2, model_id=info.model_id)
    found = client.get_logged_model(info.model_id)
    assert found.experiment_id == experiment_id
    assert found.source_run_id == run.info.run_id
    assert found.params == {"depth": "3"}
    assert found.tags["team"] == "a"
    assert found.model_type == "regressor"
    [metric] = found.metrics
    assert (metric.key, metric.value, metric.step, metric.run_id) == (
        *("rmse", 0.25, 2),
        run.info.run_id,
    )
    assert client.get_run(run.info.run_id).data.metrics == {"rmse": 0.25}


@pytest.mark.mlflow3
def test_logged_models_are_tagged_searched_and_deleted(client, experiment_id):
    models = [
        client.create_logged_model(experiment_id, name=f"m{i}", params={"n": str(i)})
        for i in range(5)
    ]
    client.set_logged_model_tags(models[1].model_id, {"stage": "good"})
    client.finalize_logged_model(models[1].model_id, "READY")

    def found(**kwargs):
        return [m.name for m in client.search_logged_models([experiment_id], **kwargs)]

    assert found() == ["m4", "m3", "m2", "m1", "m0"]
    assert found(filter_string="params.n = '3'") == ["m3"]
    assert found(filter_string="tags.stage = 'good'") == ["m1"]
    assert found(order_by=[{"field_name": "name", "ascending": True}]) == [
        f"m{i}" for i in range(5)
    ]
    client.delete_logged_model_tag(models[1].model_id, "stage")
    assert found(filter_string="tags.stage = 'good'") == []
    client.delete_logged_model(models[4].model_id)
    assert found() == ["m3", "m2", "m1", "m0"]
    pages = client.search_logged_models([experiment_id], max_results=3)
    rest = client.search_logged_models([experiment_id], max_results=3, page_token=pages.token)
    assert [m.name for m in [*pages, *rest]] == ["m3", "m2", "m1", "m0"]


@pytest.mark.mlflow3
def test_initialized_model_becomes_external_and_active(client):
    model = mlflow.create_external_model(name="outside", params={"a": "1"})
    assert client.get_logged_model(model.model_id).params == {"a": "1"}
    with mlflow.start_run():
        mlflow.set_active_model(model_id=model.model_id)
        assert mlflow.get_active_model_id() == model.model_id
    mlflow.clear_active_model()


def test_evaluate_writes_metrics_and_artifacts(client):
    classes = (X["a"] > 9).astype(int)
    classifier = LogisticRegression(max_iter=500).fit(X, classes)
    with mlflow.start_run() as run:
        info = log_sklearn(classifier)
        result = mlflow.models.evaluate(
            info.model_uri,
            X.assign(label=classes),
            targets="label",
            model_type="classifier",
            evaluators=["default"],
            evaluator_config={"default": {"log_model_explainability": False}},
        )
    found = client.get_run(run.info.run_id)
    assert found.data.metrics["accuracy_score"] == result.metrics["accuracy_score"]
    assert found.inputs.dataset_inputs
    names = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert "confusion_matrix.png" in names

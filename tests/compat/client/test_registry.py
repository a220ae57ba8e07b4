"""The model registry through the unchanged client."""

import os
from concurrent.futures import ThreadPoolExecutor

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LinearRegression

pytestmark = pytest.mark.filterwarnings("ignore")

X = np.arange(10.0).reshape(-1, 1)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"registered-{os.urandom(4).hex()}"


def fitted(slope: float) -> LinearRegression:
    return LinearRegression().fit(X, X.ravel() * slope)


def log_model(model, name: str | None = None) -> str:
    """Logs a model in a run of its own, registered if a name is given; returns the run's id."""
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, "model", registered_model_name=name)
    return run.info.run_id


def test_predictions_by_version_alias_and_stage_are_those_in_memory(name):
    client = MlflowClient()
    models = {1: fitted(2), 2: fitted(3)}
    log_model(models[1], name)
    run = log_model(models[2])
    version = mlflow.register_model(f"runs:/{run}/model", name)
    assert (int(version.version), version.run_id) == (2, run)
    client.set_registered_model_alias(name, "champion", "2")
    client.transition_model_version_stage(name, "1", "Production", archive_existing_versions=True)
    for uri, number in [("1", 1), ("2", 2), ("latest", 2), ("Production", 1)]:
        loaded = mlflow.pyfunc.load_model(f"models:/{name}/{uri}")
        np.testing.assert_array_equal(loaded.predict(X), models[number].predict(X))
    loaded = mlflow.sklearn.load_model(f"models:/{name}@champion")
    np.testing.assert_array_equal(loaded.predict(X), models[2].predict(X))


def test_aliases_move_and_go(name):
    client = MlflowClient()
    log_model(fitted(1), name)
    log_model(fitted(1), name)
    client.set_registered_model_alias(name, "a", "1")
    client.set_registered_model_alias(name, "a", "2")
    assert client.get_model_version_by_alias(name, "a").version == "2"
    assert client.get_registered_model(name).aliases == {"a": "2"}
    client.delete_registered_model_alias(name, "a")
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version_by_alias(name, "a")


def test_copies_keep_files_and_run(name):
    client = MlflowClient()
    model = fitted(5)
    run = log_model(model, name)
    copy = client.copy_model_version(f"models:/{name}/1", f"{name}-copy")
    assert copy.run_id == run
    loaded = mlflow.pyfunc.load_model(f"models:/{name}-copy/1")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_searches_tags_descriptions_rename_and_delete(name):
    client = MlflowClient()
    client.create_registered_model(name, tags={"team": name}, description="first")
    for number in range(3):
        client.create_model_version(name, f"s3://bucket/{number}", tags={"n": str(number)})
    client.update_registered_model(name, "second")
    client.update_model_version(name, "2", "the middle one")
    client.set_model_version_tag(name, "2", "checked", "yes")
    client.delete_model_version_tag(name, "2", "n")
    found = client.search_model_versions(f"name = '{name}' AND tags.checked = 'yes'")
    assert [(it.version, it.description, it.tags) for it in found] == [
        ("2", "the middle one", {"checked": "yes"})
    ]
    page = client.search_model_versions(f"name = '{name}'", max_results=2)
    rest = client.search_model_versions(f"name = '{name}'", max_results=2, page_token=page.token)
    assert sorted(it.version for it in [*page, *rest]) == ["1", "2", "3"]
    assert [it.name for it in client.search_registered_models(f"tags.team = '{name}'")] == [name]
    client.rename_registered_model(name, f"{name}-new")
    assert client.get_registered_model(f"{name}-new").description == "second"
    client.delete_model_version(f"{name}-new", "3")
    assert client.create_model_version(f"{name}-new", "s3://bucket/4").version == "4"
    client.delete_registered_model(f"{name}-new")
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(f"{name}-new")


def test_versions_made_at_once_have_no_gaps(name):
    client = MlflowClient()
    client.create_registered_model(name)
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda n: client.create_model_version(name, f"s3://bucket/{n}"), range(40))
        )
    assert sorted(int(it.version) for it in made) == list(range(1, 41))


def test_prompts(name):
    prompts = mlflow.genai if hasattr(mlflow, "genai") else mlflow
    prompts.register_prompt(name, "Say {{word}}.")
    prompts.register_prompt(name, "Shout {{word}}!")
    prompts.set_prompt_alias(name, "best", 1)
    assert prompts.load_prompt(f"prompts:/{name}/2").format(word="no") == "Shout no!"
    assert prompts.load_prompt(f"prompts:/{name}@best").format(word="yes") == "Say yes."
    assert name not in [it.name for it in MlflowClient().search_registered_models()]
    asked = f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` = 'true'"
    assert [it.name for it in MlflowClient().search_registered_models(asked)] == [name]

"""The clients that MLflow has for its scoring server, against ours."""

import json
import warnings

import mlflow
import pandas as pd
import pytest
from mlflow.deployments import get_deploy_client
from mlflow.models import convert_input_example_to_serving_input, validate_serving_input
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from serving import models
from serving.compare import close
from serving.servers import Case


@pytest.fixture
def deployments(served):
    return get_deploy_client(served.ours("ridge").url)


@pytest.fixture
def scoring(served):
    return ScoringServerClient("127.0.0.1", served.ours("ridge").port)


def test_endpoints_are_listed(deployments):
    (endpoint,) = deployments.list_endpoints()
    assert (endpoint.name, endpoint.model.name) == ("ridge", "ridge")


def test_an_endpoint_is_described_with_its_address(deployments, served):
    endpoint = deployments.get_endpoint("ridge")
    assert endpoint.endpoint_type == "model"
    assert endpoint.endpoint_url.startswith(served.ours("ridge").url)


def test_an_endpoint_that_is_not_there_is_an_error(deployments):
    with pytest.raises(Exception, match="no model 'other' here"):
        deployments.get_endpoint("other")


def test_the_deployments_client_predicts(deployments, served):
    body = models.payload("ridge")
    answer = deployments.predict(endpoint="ridge", inputs=body)
    expected = models.predictions("ridge", served.estimators["ridge"], body)
    assert close(answer["predictions"], expected)


def test_an_error_reaches_the_deployments_client(deployments):
    with pytest.raises(Exception, match="missing inputs"):
        deployments.predict(endpoint="ridge", inputs={"dataframe_records": [{"a": 1.0}]})


def test_the_scoring_client_finds_the_server_ready(scoring):
    scoring.wait_server_ready(timeout=10)


def test_the_version_is_that_of_the_mlflow_that_is_imitated(scoring):
    assert scoring.get_version() == mlflow.__version__


def test_the_scoring_client_sends_a_frame(scoring, served):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = scoring.invoke(models.NUMBERS).get_predictions()
    expected = served.estimators["ridge"].predict(models.NUMBERS).tolist()
    assert close(answer[answer.columns[0]].tolist(), expected)


def test_the_scoring_client_sees_an_error(scoring):
    with pytest.raises(Exception, match="error code 400"):
        scoring.invoke(pd.DataFrame({"a": [1.0]}))


@pytest.mark.parametrize("name", models.NATIVE)
def test_the_models_own_example_is_served(served, name):
    example = (served.folder / name / "serving_input_example.json").read_text()
    case = Case(name, "example", example.encode())
    answer = served.ours(name).send(case)
    assert answer.status == 200, answer.body
    assert answer.headers["x-modelyard-engine"] == "native"
    expected = validate_serving_input(str(served.folder / name), example)
    assert close(json.loads(answer.body)["predictions"], expected.tolist())


@pytest.mark.parametrize("name", ["forest", "towns", "grid"])
def test_what_mlflow_makes_of_an_example_is_served(served, name):
    example = {"forest": models.NUMBERS, "towns": models.TOWNS, "grid": models.NUMBERS.to_numpy()}
    payload = convert_input_example_to_serving_input(example[name])
    answer = served.ours(name).send(Case(name, "payload", payload.encode()))
    expected = served.estimators[name].predict(example[name]).tolist()
    assert json.loads(answer.body)["predictions"] == expected

"""The Open Inference Protocol and KServe's first one, against the library's predictions."""

import json

import pytest

from serving import models
from serving.compare import close
from serving.servers import Case


def ask(served, name, path, body=None):
    """Status and JSON (or nothing) of the answer."""
    raw = b"" if body is None else json.dumps(body).encode()
    case = Case(name, path, raw, method="GET" if body is None else "POST", path=path)
    answer = served.ours(name).send(case)
    return answer.status, json.loads(answer.body) if answer.body.strip() else None


def columns(frame, kinds):
    """Each column as a tensor."""
    return [
        {
            "name": name,
            "shape": [len(frame)],
            "datatype": kind,
            "data": [None if cell != cell else cell for cell in frame[name].tolist()],
        }
        for name, kind in zip(frame.columns, kinds, strict=True)
    ]


def matrix(values, **more):
    flat = [cell for row in values for cell in row]
    shape = [len(values), len(values[0])]
    return {"name": "input-0", "shape": shape, "datatype": "FP64", "data": flat} | more


def infer(served, name, inputs, **more):
    return ask(served, name, f"/v2/models/{name}/infer", {"inputs": inputs} | more)


def expected(served, name):
    return models.predictions(name, served.estimators[name], models.payload(name))


def test_the_server_is_alive_and_ready(served):
    assert ask(served, "forest", "/v2/health/live")[0] == 200
    assert ask(served, "forest", "/v2/health/ready")[0] == 200
    assert ask(served, "forest", "/v2/models/forest/ready")[0] == 200
    assert ask(served, "forest", "/v2")[1]["name"] == "modelyard"


def test_metadata_says_inputs_and_outputs(served):
    status, found = ask(served, "towns", "/v2/models/towns")
    assert status == 200
    assert (found["name"], found["platform"]) == ("towns", "sklearn")
    assert found["inputs"] == [
        {"name": "town", "datatype": "BYTES", "shape": [-1]},
        {"name": "area", "datatype": "FP64", "shape": [-1]},
        {"name": "rooms", "datatype": "INT64", "shape": [-1]},
    ]
    (output,) = found["outputs"]
    assert (output["datatype"], output["shape"]) == ("FP64", [-1])


@pytest.mark.parametrize("name", ["forest", "ridge", "proba", "labels"])
def test_columns_are_predicted_as_by_the_library(served, name):
    status, found = infer(served, name, columns(models.NUMBERS, ["FP64"] * 3))
    assert status == 200, found
    assert found["model_name"] == name
    (output,) = found["outputs"]
    flat = expected(served, name)
    if name == "proba":
        assert output["shape"] == [len(flat), 2]
        flat = [cell for row in flat for cell in row]
    assert output["datatype"] == ("BYTES" if name == "labels" else "FP64")
    assert close(output["data"], flat)


def test_columns_of_several_types_are_predicted_as_by_the_library(served):
    status, found = infer(served, "towns", columns(models.TOWNS, ["BYTES", "FP64", "INT64"]))
    assert status == 200, found
    assert found["outputs"][0]["data"] == expected(served, "towns")


@pytest.mark.parametrize("name", ["forest", "grid"])
def test_one_tensor_of_two_dimensions_is_rows_and_columns(served, name):
    values = models.NUMBERS.to_numpy().tolist()
    for data in (matrix(values), matrix(values, data=values)):
        status, found = infer(served, name, [data])
        assert status == 200, found
        assert found["outputs"][0]["data"] == expected(served, name)


def test_the_id_comes_back(served):
    status, found = infer(served, "forest", [matrix([[1, 2, 3]])], id="nö-7")
    assert (status, found["id"]) == (200, "nö-7")
    assert "id" not in infer(served, "forest", [matrix([[1, 2, 3]])])[1]


def test_outputs_are_chosen_by_name(served):
    inputs = [matrix([[1, 2, 3]])]
    (output,) = infer(served, "forest", inputs)[1]["outputs"]
    status, found = infer(served, "forest", inputs, outputs=[{"name": output["name"]}])
    assert (status, found["outputs"]) == (200, [output])
    status, found = infer(served, "forest", inputs, outputs=[{"name": "other"}])
    assert status == 400
    assert "other" in found["error"]


BAD = {
    "no inputs": {},
    "empty inputs": {"inputs": []},
    "inputs no list": {"inputs": {"a": 1}},
    "a number": 5,
    "no name": {"inputs": [matrix([[1, 2, 3]]) | {"name": None}]},
    "no shape": {"inputs": [matrix([[1, 2, 3]], shape=None)]},
    "negative shape": {"inputs": [matrix([[1, 2, 3]], shape=[-1, 3])]},
    "other shape": {"inputs": [matrix([[1, 2, 3]], shape=[2, 3])]},
    "huge shape": {"inputs": [matrix([[1, 2, 3]], shape=[2**62, 4])]},
    "rows of nothing": {"inputs": [matrix([[1, 2, 3]], shape=[10**9, 0], data=[])]},
    "unknown datatype": {"inputs": [matrix([[1, 2, 3]], datatype="FP7")]},
    "texts for numbers": {"inputs": [matrix([["x", "y", "z"]])]},
    "too narrow": {"inputs": [matrix([[1, 2]])]},
    "a column is missing": {"inputs": columns(models.NUMBERS, ["FP64"] * 3)[:2]},
    "columns of unequal length": {
        "inputs": [
            {"name": "a", "shape": [1], "datatype": "FP64", "data": [1]},
            {"name": "b", "shape": [2], "datatype": "FP64", "data": [1, 2]},
            {"name": "c", "shape": [1], "datatype": "FP64", "data": [1]},
        ]
    },
    "id no text": {"inputs": [matrix([[1, 2, 3]])], "id": 5},
    "outputs no list": {"inputs": [matrix([[1, 2, 3]])], "outputs": "x"},
}


@pytest.mark.parametrize("label", BAD)
def test_what_does_not_fit_is_400_with_the_reason(served, label):
    status, found = ask(served, "forest", "/v2/models/forest/infer", BAD[label])
    assert status == 400
    assert list(found) == ["error"]
    assert found["error"]


@pytest.mark.parametrize(
    "path", ["/v2/models/other", "/v2/models/other/ready", "/v2/models/forest/versions/9", "/v2/x"]
)
def test_what_is_not_there_is_404(served, path):
    assert ask(served, "forest", path)[0] == 404


def test_a_wrong_method_is_405(served):
    assert ask(served, "forest", "/v2/models/forest/infer")[0] == 405


def test_kserve_tells_of_its_model(served):
    assert ask(served, "forest", "/v1/models") == (200, {"models": ["forest"]})
    assert ask(served, "forest", "/v1/models/forest") == (200, {"name": "forest", "ready": True})
    assert ask(served, "forest", "/v1/models/other")[0] == 404


@pytest.mark.parametrize("name", ["forest", "ridge", "proba", "labels", "grid"])
def test_kserve_predicts_rows_as_the_library(served, name):
    body = {"instances": models.NUMBERS.to_numpy().tolist()}
    status, found = ask(served, name, f"/v1/models/{name}:predict", body)
    assert status == 200, found
    assert close(found["predictions"], expected(served, name))


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_kserve_predicts_records_as_the_library(served, form):
    rows = json.loads(models.TOWNS.to_json(orient="records", double_precision=15))
    status, found = ask(served, "towns", "/v1/models/towns:predict", {form: rows})
    assert status == 200, found
    assert found["predictions"] == expected(served, "towns")


@pytest.mark.parametrize(
    "body", [{}, {"instances": 5}, {"instances": [[1]]}, {"instances": [{"a": 1}]}, [], {"x": []}]
)
def test_kserve_says_what_does_not_fit(served, body):
    status, found = ask(served, "forest", "/v1/models/forest:predict", body)
    assert status == 400
    assert found["error"]


def test_kserve_has_no_other_verb(served):
    assert ask(served, "forest", "/v1/models/forest:explain", {"instances": []})[0] == 404

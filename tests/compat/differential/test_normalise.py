"""The normaliser hides what must differ, and nothing else."""

import json

import pytest

from differential.compare import Difference, differences
from differential.corpus import Step
from differential.normalise import Normaliser
from differential.replay import Answer, Recording

RUN = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32


def normalised(body, variables=None, started_ms=1000, ended_ms=2000, **step):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(200, {"content-type": "application/json"}, content)
    recording = Recording({"s": answer}, {"s": variables or {}}, started_ms, ended_ms)
    return Normaliser(recording).answer(Step(name="s", **step))["body"]


def test_saved_values_become_their_names():
    body = {"run_id": RUN, "experiment_id": "7", "artifact_uri": f"mlflow-artifacts:/7/{RUN}/x"}
    assert normalised(body, {"run": RUN, "exp": "7"}) == {
        "run_id": "<run>",
        "experiment_id": "<exp>",
        "artifact_uri": "mlflow-artifacts:/<exp>/<run>/x",
    }


def test_unsaved_ids_are_numbered_and_keep_their_identity():
    assert normalised({"a": OTHER, "b": RUN, "c": OTHER}) == {
        "a": "<id 1>",
        "b": "<id 2>",
        "c": "<id 1>",
    }


def test_only_times_of_the_replay_are_hidden():
    assert normalised({"a": 1500, "b": 500_000}, started_ms=1000) == {"a": "<now>", "b": 500_000}


@pytest.mark.parametrize(
    ("changed", "token"), [(1500, "<creation_time>"), (1501, "<now, after creation_time>")]
)
def test_whether_an_object_was_changed_stays_visible(changed, token):
    body = {"creation_time": 1500, "last_update_time": changed}
    assert normalised(body)["last_update_time"] == token


def test_a_change_time_before_the_creation_is_not_hidden_as_later():
    body = {"creation_time": 1500, "last_update_time": 1400}
    assert normalised(body)["last_update_time"] != "<now, after creation_time>"


def test_numbers_that_look_like_an_experiment_stay():
    body = {"value": "7", "message": "at most 7 of experiment 7"}
    assert normalised(body, {"exp": "7"}) == {
        "value": "7",
        "message": "at most 7 of experiment <exp>",
    }


def test_tags_have_no_order_and_histories_have_one():
    tags = [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]
    assert normalised({"tags": tags})["tags"] == tags[::-1]
    assert normalised({"metrics": tags})["metrics"] == tags
    assert normalised({"data": {"metrics": tags}})["data"]["metrics"] == tags[::-1]


def test_differences_name_the_place():
    left = {"runs": [{"info": {"a": 1}}], "x": 1}
    right = {"runs": [{"info": {"a": 2}}], "y": 1}
    assert differences(left, right) == [
        Difference("runs[0].info.a", 1, 2),
        Difference("x", 1, "<missing>"),
        Difference("y", "<missing>", 1),
    ]


@pytest.mark.parametrize(
    "pair", [(1, 1.0), (True, 1), ("1", 1), ([], [1]), (None, ""), (0.0, -0.0)]
)
def test_values_of_another_type_or_length_differ(pair):
    assert differences(*pair)


def test_nan_equals_nan():
    assert not differences(float("nan"), float("nan"))

"""An entry explains what it says and nothing else, and one that explains nothing is noticed."""

import pytest

from differential.compare import differences
from differential.tolerance import Entry, unexplained

REFUSED = {"status": 400, "body": {"error_code": "BAD_REQUEST", "message": "no key"}}
TAKEN = {"status": 200, "body": {"value": "Infinity"}}
MLFLOW = {"status": 200, "body": {"value": 1.5}}


def left(modelyard, case="runs/a/b", **entry) -> tuple[list[str], Entry]:
    entry = Entry(id="e", title="t", reason="r", **{"cases": ["runs/a/*"], **entry})
    found = differences(MLFLOW, modelyard)
    return [d.at for d in unexplained(case, MLFLOW, modelyard, found, [entry])], entry


def test_an_answer_explains_every_difference_of_its_kind():
    answer = {"mlflow": 200, "modelyard": 400, "message": "^no key$"}
    assert left(REFUSED, answer=answer)[0] == []


@pytest.mark.parametrize(
    "answer",
    [
        {"mlflow": 500, "modelyard": 400, "message": "."},
        {"mlflow": 200, "modelyard": 404, "message": "."},
        {"modelyard": 400, "message": "another"},
    ],
)
def test_an_answer_of_another_kind_is_not_explained(answer):
    assert len(left(REFUSED, answer=answer)[0]) == 4


def test_places_are_explained_by_value():
    assert left(TAKEN, exact={"body.value": [1.5, "Infinity"]})[0] == []
    assert left(TAKEN, exact={"body.value": [1.5, "NaN"]})[0] == ["body.value"]
    assert left(TAKEN, ours={"body.*": "^Inf"})[0] == []
    assert left(TAKEN, ours={"body.*": "^NaN"})[0] == ["body.value"]
    assert left(TAKEN, free=["body.other"])[0] == ["body.value"]


def test_other_cases_are_not_explained():
    assert left(TAKEN, case="runs/b/b", free=["body.value"])[0] == ["body.value"]


def test_unused_parts_are_stale():
    _, entry = left(TAKEN, cases=["runs/a/*", "runs/z/*"], free=["body.value", "body.other"])
    assert entry.unused == ["runs/z/*", "body.other"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": " ", "free": ["a"]},
        {"reason": "r"},
        {"reason": "r", "free": ["a"], "answer": {"modelyard": 400, "message": "x"}},
        {"reason": "r", "answer": {"modelyard": 400}},
    ],
)
def test_entries_without_reason_or_place_are_refused(wrong):
    with pytest.raises(ValueError, match="difference e"):
        Entry(id="e", title="t", cases=["*"], **wrong)

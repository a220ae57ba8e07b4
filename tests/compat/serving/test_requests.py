"""Each request gets the same answer from `mlflow models serve` and from ours."""

import pytest

from serving.cases import NATIVE_CASES, PYTHON_CASES
from serving.compare import difference, shown
from serving.models import LINEAR


def named(cases):
    return [pytest.param(case, id=f"{case.model}: {case.label}") for case in cases]


def compare(served, case):
    expected, actual = served.mlflow(case.model).send(case), served.ours(case.model).send(case)
    if case.statuses:
        found = (expected.status, actual.status)
        assert found == case.statuses, f"{shown(expected)}\n{shown(actual)}"
        return
    found = difference(expected, actual, case.model in LINEAR)
    assert found is None, f"{case.body[:300]!r} ({case.content_type}): {found}"


@pytest.mark.parametrize("case", named(NATIVE_CASES))
def test_the_answer_is_mlflows(served, case):
    compare(served, case)


@pytest.mark.parametrize("case", named(PYTHON_CASES))
def test_the_answer_of_python_is_mlflows(served, case):
    compare(served, case)


def test_what_mlflow_cannot_write_is_an_error_of_the_server(served):
    body = b'{"dataframe_records": [{"how": "unserialisable"}]}'
    case = next(case for case in PYTHON_CASES if case.model == "raising")
    case = type(case)("raising", "unserialisable", body)
    assert served.mlflow("raising").send(case).status == 500
    assert served.ours("raising").send(case).status == 500

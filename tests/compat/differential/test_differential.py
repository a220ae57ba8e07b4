"""Every step of the corpus gets the same answer from MLflow and from the server under test."""

import pytest

from differential.compare import differences
from differential.conftest import SCENARIOS
from differential.tolerance import unexplained

CASES = [
    pytest.param(scenario, step, id=scenario.case_id(step))
    for scenario in SCENARIOS
    for step in scenario.steps
    if step.sort is None
]


@pytest.mark.parametrize(("scenario", "step"), CASES)
def test_same_answer(scenario, step, replays, record_property):
    record_property("differential_area", scenario.area)
    mlflow, subject = replays.result(scenario)[step.name]
    found = differences(mlflow, subject)
    left = unexplained(scenario.case_id(step), mlflow, subject, found, replays.entries)
    if left:
        lines = "\n".join(str(difference) for difference in left)
        pytest.fail(f"{step.method} {step.path}\n{lines}", pytrace=False)


def test_no_tolerated_difference_is_stale(replays):
    """A difference that no longer occurs leaves the table (and the document)."""
    for scenario in SCENARIOS:
        for name, (mlflow, subject) in replays.result(scenario).items():
            found = differences(mlflow, subject)
            unexplained(f"{scenario.id}/{name}", mlflow, subject, found, replays.entries)
    stale = {entry.id: entry.unused for entry in replays.entries if entry.unused}
    assert not stale


def test_there_are_enough_cases():
    """The corpus is a promise: it may grow, not shrink."""
    assert len(CASES) >= 400

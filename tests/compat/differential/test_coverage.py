"""Every endpoint is reached, on both prefixes."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from differential.conftest import SCENARIOS
from differential.replay import fill

LINES = Path(__file__).with_name("endpoints.txt").read_text().splitlines()
ENDPOINTS = [
    (method, path.replace("{p}", prefix))
    for method, path in (line.split() for line in LINES if not line.startswith("#"))
    for prefix in (("/api", "/ajax-api") if "{p}" in path else ("",))
]


class Anything(dict):
    """Variables that all have the value `x`, but for the scenario's prefix."""

    def __missing__(self, key: str) -> str:
        return "x"


def requests() -> set[tuple[str, str]]:
    return {
        (step.method, path if path.startswith("/") else f"{scenario.prefix}/2.0/mlflow/{path}")
        for scenario in SCENARIOS
        if scenario.server == "default"
        for step in scenario.steps
        if step.sort is None
        for path in [fill(step.path, Anything(prefix=scenario.prefix))]
    }


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_endpoint_is_reached(method, path):
    assert any(sent == method and fnmatchcase(to, path) for sent, to in requests())

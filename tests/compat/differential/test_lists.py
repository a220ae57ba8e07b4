"""The lists of endpoints agree: each of MLflow's is either reached by the corpus or not built."""

import re
from pathlib import Path

from differential import test_coverage, test_not_built

# The list that the Rust tests go through: area, method, path.
ALL = Path(__file__).parents[3] / "crates/modelyard/tests/server/endpoints.tsv"
# What is built but answers with something else than MLflow's: pages of the UI, Prometheus metrics.
NOT_COMPARED = {
    ("GET", "/"),
    ("GET", "/build/*"),
    ("GET", "/metrics"),
    ("GET", "/static-files/*"),
}


def of_mlflow() -> set[tuple[str, str]]:
    lines = [line for line in ALL.read_text().splitlines() if not line.startswith("#")]
    endpoints = (line.split("\t") for line in lines)
    return {(method, re.sub(r"{[^}]*}", "*", path)) for _, method, path in endpoints}


def not_built() -> set[tuple[str, str]]:
    return {
        (method, path.replace("{p}", prefix))
        for method, path in (
            line.split() for line in test_not_built.LINES if not line.startswith("#")
        )
        for prefix in (("/api", "/ajax-api") if "{p}" in path else ("",))
    }


def test_each_endpoint_is_in_one_list():
    reached = set(test_coverage.ENDPOINTS)
    assert reached & not_built() == set()
    assert reached | not_built() == of_mlflow() - NOT_COMPARED

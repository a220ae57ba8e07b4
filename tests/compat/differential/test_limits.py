"""The limits that docs/compatibility.md lists are those of the sources."""

import re
from pathlib import Path

import pytest

from differential.document import limits_of_the_table

CRATES = Path(__file__).parents[3] / "crates"
HELD = [
    (place, value) for limit in limits_of_the_table() for place, value in limit["holds"].items()
]


@pytest.mark.parametrize(("place", "value"), HELD)
def test_the_source_has_the_limit(place, value):
    path, name = place.split(":")
    source = (CRATES / path).read_text()
    assert re.search(rf"const {name}: [^=]+ = {re.escape(value)};", source), f"{name} in {path}"

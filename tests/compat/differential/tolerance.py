"""The differences that are meant: `differences.toml`, each with its reason.

An entry explains a difference when the case's id fits one of its `cases`, and the place fits one
of its `free` patterns (any values) or is a key of `exact` with exactly that pair of values.
"""

import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from differential.compare import Difference

TABLE = Path(__file__).with_name("differences.toml")


@dataclass
class Entry:
    """One kind of difference; `used` collects the patterns that explained something."""

    id: str
    title: str
    reason: str
    cases: list[str]
    free: list[str]
    exact: dict[str, tuple]
    used: set[str] = field(default_factory=set)

    def explains(self, case: str, difference: Difference) -> bool:
        pattern = next((pattern for pattern in self.cases if fits(case, pattern)), None)
        if pattern is None:
            return False
        place = self._place(difference)
        if place is None:
            return False
        self.used |= {pattern, place}
        return True

    def _place(self, difference: Difference) -> str | None:
        for place in self.free:
            if fits(difference.at, place):
                return place
        for place, pair in self.exact.items():
            if fits(difference.at, place) and pair == (difference.mlflow, difference.modelyard):
                return place
        return None

    @property
    def unused(self) -> list[str]:
        return [p for p in (*self.cases, *self.free, *self.exact) if p not in self.used]


def load(path: Path = TABLE) -> list[Entry]:
    """The table; an entry without reason or without a place is refused."""
    entries = []
    for raw in tomllib.loads(path.read_text()).get("difference", []):
        exact = {place: tuple(pair) for place, pair in raw.pop("exact", {}).items()}
        entry = Entry(free=raw.pop("free", []), exact=exact, **raw)
        if not entry.reason.strip() or not (entry.free or entry.exact):
            raise ValueError(f"difference {entry.id}: give a reason, and free or exact places")
        entries.append(entry)
    return entries


def unexplained(case: str, found: list[Difference], entries: list[Entry]) -> list[Difference]:
    """The differences no entry explains."""
    return [
        difference
        for difference in found
        if not any([entry.explains(case, difference) for entry in entries])
    ]


def fits(text: str, pattern: str) -> bool:
    """Shell-style match in which brackets are ordinary, as in `body.runs[*].info`."""
    return fnmatchcase(text, re.sub(r"\[", "[[]", pattern))

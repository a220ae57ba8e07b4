"""The differences that are meant: `differences.toml`, each with its reason.

An entry speaks of the cases that fit one of its `cases` patterns. It explains either whole
answers (`answer`: our status, a pattern for our message, and MLflow's status if it is always the
same) or places within them:

- `exact`: place -> both values;
- `ours`: place -> a pattern for our value, printed as Python prints it unless it is text;
- `free`: places that may hold anything.

An entry, or a pattern in it, that explains nothing is stale and fails the run.
"""

import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from differential.compare import Difference

TABLE = Path(__file__).with_name("differences.toml")


@dataclass
class Entry:
    """One kind of difference; `used` collects what of it explained something."""

    id: str
    title: str
    reason: str
    cases: list[str]
    answer: dict[str, Any] | None = None
    exact: dict[str, list] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def __post_init__(self):
        if not self.reason.strip() or not self.title.strip():
            raise ValueError(f"difference {self.id}: give a title and a reason")
        if bool(self.answer) == bool(self.places):
            raise ValueError(f"difference {self.id}: either an answer, or places")
        if self.answer and set(self.answer) | {"mlflow"} != {"mlflow", "modelyard", "message"}:
            raise ValueError(f"difference {self.id}: an answer has modelyard, message, mlflow")

    @property
    def places(self) -> list[str]:
        return [*self.exact, *self.ours, *self.free]

    @property
    def unused(self) -> list[str]:
        return [pattern for pattern in (*self.cases, *self.places) if pattern not in self.used]

    def explained(self, case: str, mlflow: dict, modelyard: dict, found: list[Difference]) -> set:
        """Those of the differences between the two answers that this entry explains."""
        pattern = next((pattern for pattern in self.cases if fits(case, pattern)), None)
        if pattern is None:
            return set()
        if self.answer:
            explained = set(found) if self._is_answer(mlflow, modelyard) else set()
        else:
            explained = {difference for difference in found if self._place(difference)}
        if explained:
            self.used |= {pattern} | {self._place(difference) for difference in explained}
        return explained

    def _is_answer(self, mlflow: dict, modelyard: dict) -> bool:
        body = modelyard["body"]
        message = body.get("message", "") if isinstance(body, dict) else body
        return (
            mlflow["status"] == self.answer.get("mlflow", mlflow["status"])
            and modelyard["status"] == self.answer["modelyard"]
            and re.search(self.answer["message"], message) is not None
        )

    def _place(self, difference: Difference) -> str | None:
        """The entry's pattern that explains the difference."""
        for place, pair in self.exact.items():
            if fits(difference.at, place) and pair == [difference.mlflow, difference.modelyard]:
                return place
        value = difference.modelyard
        for place, pattern in self.ours.items():
            text = value if isinstance(value, str) else repr(value)
            if fits(difference.at, place) and re.search(pattern, text):
                return place
        return next((place for place in self.free if fits(difference.at, place)), None)


def load(path: Path = TABLE) -> list[Entry]:
    """The table in its order."""
    return [Entry(**raw) for raw in tomllib.loads(path.read_text()).get("difference", [])]


def unexplained(
    case: str, mlflow: dict, modelyard: dict, found: list[Difference], entries: list[Entry]
) -> list[Difference]:
    """The differences that no entry explains, in their order."""
    explained = [entry.explained(case, mlflow, modelyard, found) for entry in entries]
    return [difference for difference in found if not any(difference in e for e in explained)]


def fits(text: str, pattern: str) -> bool:
    """Shell-style match in which brackets are ordinary, as in `body.runs[*].info`."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))

"""Reads the request scripts in `corpus/*.yaml` into scenarios of steps.

The form of a script is described in `README.md`. Beside plain YAML three tags save space:
`!repeat [text, n]` is the text n times, `!list {count: n, of: item}` is n items in which `{i}`
stands for the index, and `!int text` is a number taken from a variable.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
STEP_KEYS = {
    *METHODS,
    *("step", "body", "base", "raw", "query", "headers", "save", "check_headers", "each"),
    *("case", "sort"),
}


@dataclass(frozen=True)
class Int:
    """A whole number that is known only when the variables are."""

    text: str


@dataclass
class Step:
    """One request, or (with `sort`) only a reordering of variables."""

    name: str
    method: str = ""
    path: str = ""
    query: Any = None
    body: Any = None
    raw: str | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    save: dict[str, str] = field(default_factory=dict)
    check_headers: list[str] = field(default_factory=list)
    sort: list[str] | None = None


@dataclass
class Scenario:
    """Steps that share variables and one server; `prefix` is `/api` or `/ajax-api`."""

    area: str
    name: str
    server: str
    prefix: str
    steps: list[Step]

    @property
    def id(self) -> str:
        return f"{self.area}/{self.name}"

    def case_id(self, step: Step) -> str:
        return f"{self.id}/{step.name}"

    @property
    def cases(self) -> list[str]:
        return [self.case_id(step) for step in self.steps if step.sort is None]


class Loader(yaml.SafeLoader):
    """YAML with the three tags of the module's description."""


def _repeat(loader: Loader, node: yaml.Node) -> str:
    text, times = loader.construct_sequence(node)
    return text * times


def _list(loader: Loader, node: yaml.Node) -> list:
    spec = loader.construct_mapping(node, deep=True)
    return [_number(spec["of"], index) for index in range(spec["count"])]


def _number(value: Any, index: int) -> Any:
    """The value with `{i}` replaced by the index in every text; `"{i}"` alone by a number."""
    if value == "{i}":
        return index
    if isinstance(value, str):
        return value.replace("{i}", str(index))
    if isinstance(value, list):
        return [_number(item, index) for item in value]
    if isinstance(value, dict):
        return {_number(key, index): _number(item, index) for key, item in value.items()}
    return value


Loader.add_constructor("!repeat", _repeat)
Loader.add_constructor("!list", _list)
Loader.add_constructor("!int", lambda loader, node: Int(loader.construct_scalar(node)))


def load(folder: Path = Path(__file__).parent / "corpus") -> list[Scenario]:
    """All scenarios of the folder's files, in order of file name and position."""
    scenarios = [scenario for path in sorted(folder.glob("*.yaml")) for scenario in load_file(path)]
    _refuse_doubles([scenario.id for scenario in scenarios], "scenario")
    for scenario in scenarios:
        _refuse_doubles(scenario.cases, "step")
    return scenarios


def load_file(path: Path) -> list[Scenario]:
    document = yaml.load(path.read_text(), Loader)
    return [
        _scenario(document["area"], entry, twin)
        for entry in document["scenarios"]
        for twin in (entry.get("prefixes") or ["/api"])
    ]


def _scenario(area: str, entry: dict, prefix: str) -> Scenario:
    unknown = set(entry) - {"scenario", "about", "server", "prefixes", "steps"}
    if unknown:
        raise ValueError(f"{area}/{entry.get('scenario')}: unknown keys {sorted(unknown)}")
    twins = len(entry.get("prefixes") or []) > 1
    name = f"{entry['scenario']} ({prefix})" if twins else entry["scenario"]
    steps = [step for item in entry["steps"] for step in _expand(item)]
    return Scenario(area, name, entry.get("server", "default"), prefix, steps)


def _expand(item: dict) -> list[Step]:
    """The step, or one step for each row of its `each` table."""
    unknown = set(item) - STEP_KEYS
    if unknown:
        raise ValueError(f"step {item.get('step')}: unknown keys {sorted(unknown)}")
    if "sort" in item:
        return [Step(name="", sort=item["sort"])]
    template = {key: value for key, value in item.items() if key != "each"}
    return [_step(item["step"], _merge(template, row)) for row in item.get("each", [{}])]


def _merge(template: dict, row: dict) -> dict:
    """The row's keys over the template's; a row with a method replaces the template's."""
    if any(method in row for method in METHODS):
        template = {key: value for key, value in template.items() if key not in METHODS}
    return {**template, **row}


def _step(name: str, row: dict) -> Step:
    method, path = next((key, row[key]) for key in METHODS if key in row)
    body = row.get("body")
    if "base" in row:
        body = {**row["base"], **(body or {})}
    return Step(
        name=f"{name}: {row['case']}" if "case" in row else name,
        method=method.upper(),
        path=path,
        query=row.get("query"),
        body=body,
        raw=row.get("raw"),
        headers=row.get("headers", {}),
        save=row.get("save", {}),
        check_headers=row.get("check_headers", []),
    )


def _refuse_doubles(names: list[str], what: str) -> None:
    doubles = {name for name in names if names.count(name) > 1}
    if doubles:
        raise ValueError(f"{what} names used twice: {sorted(doubles)}")

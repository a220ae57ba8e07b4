"""Writes the tables of `docs/compatibility.md` from the files that the tests use.

    python -m differential.document

The text between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced; `test_document.py` fails
when it is not what this module would write.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from differential import tolerance

DOCUMENT = Path(__file__).parents[3] / "docs" / "compatibility.md"
LIMITS = Path(__file__).with_name("limits.toml")
NOT_BUILT = Path(__file__).with_name("not-built.txt")
AREA = "# area: "


def differences() -> str:
    """One paragraph for each entry of the table, in its order."""
    return "\n".join(
        f"- **{entry.title}.** {entry.reason} (`{entry.id}`)" for entry in tolerance.load()
    )


def limits_of_the_table() -> list[dict[str, Any]]:
    """The limits that MLflow does not have, in the order of the table."""
    return tomllib.loads(LIMITS.read_text())["limit"]


def limits() -> str:
    """One paragraph for each limit."""
    return "\n".join(
        f"- **{limit['title']}.** {limit['reason']}" for limit in limits_of_the_table()
    )


def not_built() -> str:
    """The endpoints of `not-built.txt`, one line for each area and path."""
    lines = []
    for line in NOT_BUILT.read_text().splitlines():
        if line.startswith(AREA):
            lines.append(f"\n**{line.removeprefix(AREA)}**\n")
        elif not line.startswith("#"):
            method, path = line.split()
            lines.append(f"- `{method} {path.replace('{p}', '/api')}`")
    return "\n".join(lines).strip()


SECTIONS = {"differences": differences, "limits": limits, "not-built": not_built}


def rendered(text: str) -> str:
    """The document with its sections written anew."""
    for name, write in SECTIONS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{DOCUMENT} has no section {name}")
        section = f"{begin}\n{write()}\n{end}"
        text = pattern.sub(lambda _, section=section: section, text)
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text()))

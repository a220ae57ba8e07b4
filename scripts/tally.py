#!/usr/bin/env python3
"""Sums up what the parts of scripts/test.sh counted; exits 1 if anything failed.

    tally.py LOGS

LOGS/parts.tsv has a line per part: name, kind, exit status, seconds; LOGS/NAME.log is its output.
LOGS/left-out.tsv, where it is, has a line per Rust test, or part of one, that was left out because
something is not there: test, what is lacking, why.
With CI=true a skipped test counts as a failed one, unless what is lacking is a right that the
machine does not give: nothing could be installed to change that. A part that failed without counting a failure,
or that printed no counts, counts as one failure.
"""

import os
import re
import sys
from pathlib import Path

ANSI = re.compile(r"\x1b\[[0-9;]*m")
# What the tools call their outcomes, and what that means here.
OUTCOMES = {
    "passed": "passed",
    "xfailed": "passed",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "xpassed": "failed",
    "timed out": "failed",
    "skipped": "skipped",
    "ignored": "skipped",
}
COUNT = re.compile(r"(\d+) (%s)\b" % "|".join(sorted(OUTCOMES, key=len, reverse=True)))
# The lines of each tool that hold its counts.
SUMMARIES = {
    "nextest": re.compile(r"^\s*Summary \[.*\] .*tests? run: .*$", re.M),
    "libtest": re.compile(r"^test result: .*$", re.M),
    "vitest": re.compile(r"^\s*Tests  .*$", re.M),
    "pytest": re.compile(r"^=+ .*\b(?:passed|failed|error|errors|skipped)\b.* in .*=+$", re.M),
    # tests/e2e/harness/reporter.mjs
    "browser": re.compile(r"^  \d+ (?:passed|failed|skipped)\b.*$", re.M),
}


def counts(kind: str, status: int, log: str) -> dict[str, int]:
    """Passed, failed and skipped of one part."""
    found = {"passed": 0, "failed": 0, "skipped": 0}
    if kind == "check":
        found["passed" if status == 0 else "failed"] = 1
        return found
    lines = SUMMARIES[kind].findall(ANSI.sub("", log))
    for line in lines:
        for number, word in COUNT.findall(line):
            found[OUTCOMES[word]] += int(number)
    if not found["failed"] and (status != 0 or not lines):
        found["failed"] = 1
    return found


def left_out(logs: Path) -> list[list[str]]:
    """Test, lack and reason of each Rust test that noted that it is left out; each once."""
    path = logs / "left-out.tsv"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split("\t") for line in sorted(set(lines))]


def main() -> int:
    logs = Path(sys.argv[1])
    skips_fail = os.environ.get("CI") == "true"
    total = {"passed": 0, "failed": 0, "skipped": 0}
    print(f"\n{'part':<18}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for line in (logs / "parts.tsv").read_text().splitlines():
        name, kind, status, seconds = line.split("\t")
        found = counts(kind, int(status), (logs / f"{name}.log").read_text(errors="replace"))
        for outcome, number in found.items():
            total[outcome] += number
        mark = "" if not found["failed"] else f"   see {logs / name}.log"
        print(f"{name:<18}{found['passed']:>8}{found['failed']:>8}{found['skipped']:>9}{seconds:>9}{mark}")
    missing = left_out(logs)
    for test, _, why in missing:
        print(f"left out: {test}: {why}")
    # Those tests, or their other halves, are among the passed.
    total["skipped"] += sum(lack != "Right" for _, lack, _ in missing)
    allowed = sum(lack == "Right" for _, lack, _ in missing)
    if allowed:
        print(f"{allowed} skipped for a right that this machine does not give")
    if total["skipped"]:
        print(f"{total['skipped']} skipped" + (", which CI=true counts as failed" if skips_fail else ""))
    failed = total["failed"] + (total["skipped"] if skips_fail else 0)
    print(f"{total['passed']} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

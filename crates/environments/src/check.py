"""Says, as one line of JSON, what this interpreter is and what of some requirements it lacks.

The arguments: "find" or "import", then the requirements. Works with Python 3.5 and later.
"""

import json
import sys


def mismatches(lines):
    """The requirements that are not met, in the words of MLflow's warning."""
    try:
        from importlib.metadata import PackageNotFoundError, version

        from packaging.requirements import Requirement
        from packaging.version import Version
    except ImportError:
        return
    for line in lines:
        try:
            wanted = Requirement(line)
            if wanted.marker and not wanted.marker.evaluate():
                continue
            there = version(wanted.name)
            if wanted.name == "mlflow" and Version(there).is_devrelease:
                continue
            if wanted.specifier and not wanted.specifier.contains(there):
                yield "%s (current: %s, required: %s)" % (wanted.name, there, line)
        except PackageNotFoundError:
            yield "%s (current: uninstalled, required: %s)" % (wanted.name, line)
        except Exception:
            # Not a name with versions: nothing can be said, and MLflow says nothing.
            continue


def main():
    how, lines = sys.argv[1], sys.argv[2:]
    found = {"python": "%d.%d.%d" % sys.version_info[:3], "mlflow": False, "mismatches": []}
    found["executable"] = sys.executable
    if how == "import":
        import mlflow  # noqa: F401

        found["mlflow"] = True
    else:
        import importlib.util

        found["mlflow"] = importlib.util.find_spec("mlflow") is not None
    found["mismatches"] = list(mismatches(lines))
    print()
    print(json.dumps(found))


main()

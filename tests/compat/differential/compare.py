"""Finds where two normalised answers differ."""

from dataclasses import dataclass, field
from typing import Any

MISSING = "<missing>"


@dataclass(frozen=True)
class Difference:
    """One place of an answer at which the servers disagree; told apart by the place."""

    at: str
    mlflow: Any = field(hash=False)
    modelyard: Any = field(hash=False)

    def __str__(self) -> str:
        return f"  at {self.at}\n    mlflow:    {self.mlflow!r}\n    modelyard: {self.modelyard!r}"


def differences(mlflow: Any, modelyard: Any, at: str = "") -> list[Difference]:
    """Every leaf that differs; a missing field counts as one difference at that field.

    Numbers are equal by type and value (`1` is not `1.0` and not `True`), NaN equals NaN.
    """
    if isinstance(mlflow, dict) and isinstance(modelyard, dict):
        keys = list(mlflow) + [key for key in modelyard if key not in mlflow]
        return [
            difference
            for key in keys
            for difference in differences(
                mlflow.get(key, MISSING), modelyard.get(key, MISSING), f"{at}.{key}".lstrip(".")
            )
        ]
    if isinstance(mlflow, list) and isinstance(modelyard, list) and len(mlflow) == len(modelyard):
        return [
            difference
            for index, pair in enumerate(zip(mlflow, modelyard, strict=True))
            for difference in differences(*pair, f"{at}[{index}]")
        ]
    # repr tells 1 from 1.0 and True, and makes NaN equal to itself.
    return [] if repr(mlflow) == repr(modelyard) else [Difference(at, mlflow, modelyard)]

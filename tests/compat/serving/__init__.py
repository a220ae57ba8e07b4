"""Holds `modelyard models serve` against the scoring server of the real MLflow."""

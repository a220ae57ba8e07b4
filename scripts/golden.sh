#!/usr/bin/env bash
# Trains the golden matrix with every set of versions in tests/golden/versions.txt and compares what
# the native engine predicts from the models with what the libraries predict.
#
#   scripts/golden.sh
#
# Environments are kept under .venvs-golden/, models and answers under target/golden/. It needs uv,
# which finds or fetches Python 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v uv >/dev/null || { echo "uv is not installed: https://docs.astral.sh/uv/" >&2 && exit 1; }
golden="$PWD/target/golden"
mkdir -p "$golden"

while read -r name packages; do
    case $name in '' | '#'*) continue ;; esac
    environment=".venvs-golden/$name"
    if [[ "$(cat "$environment/installed" 2>/dev/null)" != "$packages" ]]; then
        rm -rf "$environment"
        uv venv --quiet --python 3.11 "$environment"
        read -ra list <<<"$packages"
        uv pip install --quiet --python "$environment/bin/python" "${list[@]}"
        echo "$packages" >"$environment/installed"
    fi
    rm -rf "${golden:?}/$name"
    OMP_NUM_THREADS=1 "$environment/bin/python" tests/golden/train.py "$golden/$name"
done <tests/golden/versions.txt

MODELYARD_GOLDEN="$golden" cargo test --package modelyard-estimators --test golden -- --nocapture

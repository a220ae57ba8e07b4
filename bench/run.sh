#!/usr/bin/env bash
# Sets up the peers, builds for release and measures; called by `make bench`.
#
#   bench/run.sh [quick|full] [ARGUMENTS of modelyard-bench run...]
#
# Results go to bench/results/MODE.json; those of the full mode also into bench/README.md.
# MODELYARD_BENCH_MLFLOW and MODELYARD_BENCH_FML name other installations of the peers.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-quick}
shift || true

scripts/setup.sh packages
[[ -n ${MODELYARD_BENCH_MLFLOW:-} ]] || scripts/setup.sh mlflow3
[[ -n ${MODELYARD_BENCH_FML:-} ]] || scripts/setup.sh fml
export MODELYARD_BENCH_MLFLOW="${MODELYARD_BENCH_MLFLOW:-.venvs/mlflow3/bin/mlflow}"
export MODELYARD_BENCH_FML="${MODELYARD_BENCH_FML:-.venvs/fml/bin/fml}"

make --no-print-directory ui
cargo build --workspace --release --bin modelyard --bin modelyard-bench
built=${CARGO_TARGET_DIR:-target}/release
results=bench/results/$mode.json
"$built/modelyard-bench" run --mode "$mode" --modelyard "$built/modelyard" --out "$results" "$@"
[[ $mode == full ]] || exit 0

# The tables between the two marks of the README are the last full results.
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT
"$built/modelyard-bench" report "$results" >"$tables"
awk -v tables="$tables" '
    /<!-- results -->/ { print; print ""; while ((getline line < tables) > 0) print line; hidden = 1 }
    /<!-- end of results -->/ { print ""; hidden = 0 }
    !hidden || /<!-- end of results -->/ { if (!/<!-- results -->/) print }
' bench/README.md >"$tables.new"
mv "$tables.new" bench/README.md

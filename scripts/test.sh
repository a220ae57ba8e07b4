#!/usr/bin/env bash
# Sets up and runs the tests, the cheapest first, and sums up what each part counted.
#
#   scripts/test.sh [lint|rust|all]
#
# Every part runs even if an earlier one failed. With CI=true a skipped test counts as a failure.
# The last line says "N passed, N failed"; the logs of the parts are kept under .make/logs/.
set -euo pipefail
cd "$(dirname "$0")/.."

scope=${1:-all}
case $scope in lint | rust | all) ;; *) echo "usage: $0 [lint|rust|all]" >&2 && exit 2 ;; esac

logs=.make/logs
rm -rf "$logs"
mkdir -p "$logs"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" NO_COLOR=1
MODELYARD_BIN="$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/modelyard"
MODELYARD_MLFLOW3="$PWD/.venvs/mlflow3"
MODELYARD_MLFLOW2="$PWD/.venvs/mlflow2"
MODELYARD_UV="$PWD/.venvs/uv/bin/uv"
# Where the Rust tests note what they leave out; see crates/testkit/src/left_out.rs.
MODELYARD_TEST_LEFT_OUT="$PWD/$logs/left-out.tsv"
export MODELYARD_BIN MODELYARD_MLFLOW3 MODELYARD_MLFLOW2 MODELYARD_UV MODELYARD_TEST_LEFT_OUT

# part NAME KIND COMMAND...: runs it, shows and keeps its output, notes how it ended. KIND says
# how scripts/tally.py finds the counts; a "check" counts as one test.
part() {
    local name=$1 kind=$2 status=0 begun=$SECONDS
    shift 2
    printf '\n=== %s: %s\n' "$name" "$*"
    "$@" </dev/null 2>&1 | tee "$logs/$name.log" || status=$?
    printf '%s\t%s\t%s\t%s\n' "$name" "$kind" "$status" $((SECONDS - begun)) >>"$logs/parts.tsv"
}

in_folder() {
    local folder=$1
    shift
    (cd "$folder" && "$@")
}

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        part rust-tests nextest cargo nextest run --workspace --no-fail-fast
    else
        echo "cargo-nextest is not installed: 'cargo test' runs the same tests, more slowly"
        part rust-tests libtest cargo test --workspace --no-fail-fast --lib --bins --tests
    fi
    part doc-tests libtest cargo test --workspace --no-fail-fast --doc
    # Asks the binary that the tests have built.
    part ui-client check npm --prefix ui-src run --silent check:api
}

lint() {
    part format check cargo fmt --all --check
    part ui-types check npm --prefix ui-src run --silent check
    part clippy check cargo clippy --workspace --all-targets -- --deny warnings
    part documentation check env RUSTDOCFLAGS='--deny warnings' \
        cargo doc --workspace --no-deps --document-private-items
}

client_tests() {
    part client-mlflow3 pytest in_folder tests/compat "$MODELYARD_MLFLOW3/bin/python" -m pytest client
    part client-mlflow2 pytest in_folder tests/compat "$MODELYARD_MLFLOW2/bin/python" -m pytest client
    part differential pytest in_folder tests/compat "$MODELYARD_MLFLOW3/bin/python" -m pytest differential
    part serving pytest in_folder tests/compat "$MODELYARD_MLFLOW3/bin/python" -m pytest serving
    part browser browser npm --prefix tests/e2e run --silent test
}

scripts/setup.sh packages ui
if [[ $scope == all ]]; then
    scripts/setup.sh services
    # Their tests are left out and counted if they cannot be had.
    scripts/setup.sh stores || echo "servers of S3 and Azure Blob Storage cannot be installed" >&2
    scripts/setup.sh uv || echo "uv cannot be installed" >&2
    # Downloading and unpacking takes minutes, which the compiler can use.
    # In a process group of its own, so that its pip and npm end with it.
    set -m
    scripts/setup.sh mlflow3 mlflow2 e2e >"$logs/environments.log" 2>&1 </dev/null &
    environments=$!
    set +m
    trap 'kill -- "-$environments" 2>/dev/null || true' EXIT
fi

[[ $scope == rust ]] || lint
if [[ $scope != lint ]]; then
    part ui-tests vitest npm --prefix ui-src run --silent test
    part ui-build check make --no-print-directory ui
    rust_tests
fi
if [[ $scope == all ]]; then
    part environments check bash -c "tail --pid=$environments -f /dev/null; cat $logs/environments.log"
    wait "$environments" || sed -i '$s/\t0\t/\t1\t/' "$logs/parts.tsv"
    trap - EXIT
    client_tests
fi
python3 scripts/tally.py "$logs"

#!/usr/bin/env bash
# Sets up what a target of the Makefile needs, once; a second call finds it done and says nothing.
#
#   scripts/setup.sh STEP...
#
#   packages   what every build needs from the system: a C compiler for the bundled SQLite, make
#   services   what the tests need from the system: PostgreSQL, Chromium, Python's venv, skopeo
#   stores     servers of S3 and Azure Blob Storage for the tests
#   uv         uv, which builds environments of models in the tests
#   ui         the web UI's packages
#   e2e        the browser tests' packages
#   mlflow3    Python environment with the MLflow 3 client and server (tests, bench)
#   mlflow2    Python environment with the MLflow 2 client (tests)
#   fml        Python environment with FastTrackML (bench)
#
# Python environments lie under .venvs/, notes of what is done under .make/. PYTHON names another
# python3.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"

say() { printf '[setup] %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# done_before STEP KEY: whether STEP was finished for the same KEY.
done_before() { [[ -f .make/$1.done && "$(<".make/$1.done")" == "$2" ]]; }

# note_done STEP KEY
note_done() {
    mkdir -p .make
    printf '%s\n' "$2" >".make/$1.done"
}

digest() { cat -- "$@" | sha256sum | cut -d ' ' -f 1; }

has() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages, as root or through sudo.
install_packages() {
    (($# > 0)) || return 0
    local as_root=()
    if ((EUID != 0)); then
        has sudo && sudo -n true 2>/dev/null ||
            fail "missing system packages: run 'apt-get install $*' as root, then try again"
        as_root=(sudo -n)
    fi
    has apt-get || fail "missing: $* (Debian's names); install what your system calls them"
    say "installing $*"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Whether there is an npm, and a Node that runs the UI's build (see "engines" in ui-src/package.json).
new_enough_node() {
    has npm && has node || return 1
    local major minor
    IFS=. read -r major minor _ < <(node --version | tr -d v)
    ((major > 20 || (major == 20 && minor >= 19)))
}

packages() {
    local missing=()
    has cc || missing+=(gcc libc6-dev)
    has make || missing+=(make)
    install_packages "${missing[@]}"
    has cargo || fail "Rust is missing: install it from https://rustup.rs"
    new_enough_node ||
        fail "Node.js 20.19 or newer with npm is missing (Debian 12's is 18): install it from" \
            "https://nodejs.org or https://github.com/nodesource/distributions"
}

services() {
    local missing=()
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb || missing+=(postgresql)
    has chromium || missing+=(chromium)
    has skopeo || missing+=(skopeo)
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    install_packages "${missing[@]}"
}

# node_packages STEP FOLDER: what the lock file says, if it changed since.
node_packages() {
    local key
    key="$(node --version) $(digest "$2/package-lock.json")"
    if [[ -d $2/node_modules ]] && done_before "$1" "$key"; then return; fi
    say "npm ci in $2"
    (cd "$2" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error)
    note_done "$1" "$key"
}

# environment NAME REQUIREMENTS: .venvs/NAME with exactly these packages.
environment() {
    local folder=.venvs/$1 key
    key="$("$python" --version) $(digest "$2")"
    if [[ -x $folder/bin/python ]] && done_before "$1" "$key"; then return; fi
    say "Python environment $folder from $2 (takes some minutes)"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    # Bytecode is compiled here once: without it, each start of an MLflow server compiles for a
    # minute where PYTHONDONTWRITEBYTECODE is set.
    env -u PYTHONDONTWRITEBYTECODE "$folder/bin/python" -m pip install \
        --quiet --disable-pip-version-check --requirement "$2"
    note_done "$1" "$key"
}

(($# > 0)) || fail "which step? packages, services, stores, uv, ui, e2e, mlflow3, mlflow2, fml"
for step in "$@"; do
    case $step in
    packages | services) "$step" ;;
    ui) node_packages ui ui-src ;;
    e2e) node_packages e2e tests/e2e ;;
    stores)
        environment stores tests/stores/requirements.txt
        node_packages azurite tests/stores
        ;;
    uv) environment uv tests/environments/requirements.txt ;;
    mlflow3) environment mlflow3 tests/compat/requirements-mlflow3.txt ;;
    mlflow2) environment mlflow2 tests/compat/requirements-mlflow2.txt ;;
    fml) environment fml bench/requirements-fml.txt ;;
    *) fail "unknown step: $step" ;;
    esac
done

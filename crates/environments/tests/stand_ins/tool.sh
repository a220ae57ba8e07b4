#!/bin/sh
# Stands for uv, conda, virtualenv and python in tests, under whose names links to it lie. It makes environments of
# further links, and notes in the file "log" of PIP_TEST_STATE how it was called. Files there change what it does:
#
#   refuse-VERSION   `uv venv --python VERSION` fails
#   not-kept         `uv pip install --offline` and `uv sync --offline` fail
#   fail             installing fails
#   hang             installing notes "hanging" and its process in "hangs", and never ends
#   leave            installing starts a process that notes "leaving", outlives it and notes "left"
#   no-venv          python has no module venv
#   no-mlflow        installing mlflow does not bring it
#
# A file "version" beside the link is the version of a python; "mlflow" that it has mlflow.
PATH=/usr/bin:/bin
name=$(basename "$0")
here=$(dirname "$0")
state=$PIP_TEST_STATE

# What every python is asked is not noted.
case $* in
*"import sys"*) ;;
*) echo "$name $*" >>"$state/log" ;;
esac

# environment FOLDER VERSION
environment() {
    mkdir -p "$1/bin"
    ln -s "$(readlink -f "$0")" "$1/bin/python"
    echo "$2" >"$1/bin/version"
}

# install BIN ARGUMENTS...: notes the files of requirements.
install() {
    bin=$1
    shift
    env | sort >"$state/variables"
    ls -a . >"$state/files"
    if [ -e "$state/hang" ]; then
        sleep 600 &
        echo $! >"$state/hangs"
        touch "$state/hanging"
        wait
    fi
    if [ -e "$state/leave" ]; then
        # In the background a shell opens another standard input.
        exec 3<&0
        setsid sh -c "touch $state/leaving; sleep 0.5; touch $state/left" <&3 >/dev/null 2>&1 &
        sleep 600
    fi
    if [ -e "$state/fail" ]; then
        echo "No matching distribution found" >&2
        exit 1
    fi
    while [ $# -gt 0 ]; do
        case $1 in
        -r | -c | --file)
            sed "s/^/  $1 /" "$2" >>"$state/log"
            if grep -qi mlflow "$2" && [ ! -e "$state/no-mlflow" ]; then touch "$bin/mlflow"; fi
            ;;
        esac
        shift
    done
    echo "Installed"
}

last() { for word; do :; done; echo "$word"; }

value() {
    wanted=$1
    shift
    while [ $# -gt 0 ]; do
        [ "$1" = "$wanted" ] && echo "$2"
        shift
    done
}

case $name in
uv)
    python=$(value --python "$@")
    case $* in *--offline*) [ -e "$state/not-kept" ] && [ "$1" != venv ] && echo "not in the cache" >&2 && exit 1 ;; esac
    case $1 in
    venv)
        if [ -e "$state/refuse-$python" ]; then echo "No interpreter found" >&2 && exit 2; fi
        [ -e "$(dirname "$python")/version" ] && python=$(cat "$(dirname "$python")/version")
        environment "$(last "$@")" "$python"
        ;;
    pip) install "$(dirname "$python")" "$@" ;;
    sync)
        sed 's/^/  lock /' uv.lock >>"$state/log"
        install "$UV_PROJECT_ENVIRONMENT/bin" "$@"
        ;;
    esac
    ;;
conda | mamba | micromamba)
    environment "$(value --prefix "$@")" 3.9.1
    install "$(value --prefix "$@")/bin" "$@"
    ;;
virtualenv) environment "$(last "$@")" "$(cat "$(dirname "$2")/version")" ;;
python*)
    version=$(cat "$here/version" 2>/dev/null || echo "${name#python}.0")
    case $* in
    *"import ensurepip"*) [ ! -e "$state/no-venv" ] ;;
    *"-m venv"*) environment "$(last "$@")" "$version" ;;
    *"-m pip"*) install "$here" "$@" ;;
    *)
        has=false
        [ -e "$here/mlflow" ] && has=true
        printf '{"python": "%s", "executable": null, "mlflow": %s, "mismatches": []}\n' "$version" $has
        ;;
    esac
    ;;
esac

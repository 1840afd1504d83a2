#!/bin/sh
# Make .venv with a Python of at least 3.11, whichever way this machine offers.
set -eu
venv=${1:-.venv}

suitable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

with_pip() {
    "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

python=
for each in ${PYTHON:-} python3.11 python3.12 python3.13 python3 /usr/bin/python3; do
    if suitable "$each"; then python=$each && break; fi
done
if [ -z "$python" ]; then
    echo "No Python of at least 3.11 found. Install one, or name it: make PYTHON=/path/to/python …" >&2
    exit 1
fi

try() {
    rm -rf "$venv"
    "$@" >/dev/null 2>&1 && with_pip
}

# Debian splits venv's pip into a package of its own; a pip from elsewhere can fill the gap.
borrow_pip() {
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 || return 1
    for pip in "$python -m pip" pip3 pip "python3 -m pip"; do
        # shellcheck disable=SC2086
        if $pip --python "$venv/bin/python" install -q pip >/dev/null 2>&1 && with_pip; then return 0; fi
    done
    return 1
}

install_package() {
    command -v apt-get >/dev/null || return 1
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    sudo=
    if [ "$(id -u)" != 0 ]; then sudo="sudo -n"; fi
    echo "Installing python$version-venv, which Debian keeps apart from Python …"
    $sudo apt-get install -y -q "python$version-venv" >/dev/null 2>&1 ||
        { $sudo apt-get update -q && $sudo apt-get install -y -q "python$version-venv"; } >/dev/null 2>&1 || return 1
    try "$python" -m venv "$venv"
}

try "$python" -m venv "$venv" ||
    try "$python" -m virtualenv "$venv" ||
    borrow_pip ||
    install_package ||
    {
        rm -rf "$venv"
        echo "$python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2
        exit 1
    }

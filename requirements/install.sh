#!/bin/sh
# Brings .venv up to one lock, then adds the project itself:
#
#     requirements/install.sh runtime|dev|mutation [WHEEL]
#
# Editable, or from WHEEL when one is given. PYTHON names the interpreter, VENV another place than
# .venv. Uses uv where there is one, venv and pip otherwise; silent about all that works.
set -eu

lock=requirements/$1.txt
venv=${VENV:-.venv}

die() {
    echo "faultwire: $*" >&2
    exit 1
}

quietly() {
    if ! output=$("$@" 2>&1); then
        printf '%s\n' "$output" >&2
        die "this failed: $*"
    fi
}

# A pyenv shim is found even where it has nothing to run, hence not `command -v`.
has_uv() { uv --version >/dev/null 2>&1; }

has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

# Debian keeps what venv needs in a package of its own.
provide_venv() {
    package=python$version-venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package …"
        quietly apt-get update -qq
        quietly env DEBIAN_FRONTEND=noninteractive \
            apt-get install -qq --no-install-recommends "$package"
    fi
    has_venv || die "Python's venv is missing; run: sudo apt-get install $package (or install uv)"
}

create() {
    rm -rf "$venv"
    if has_uv; then
        quietly uv venv --python "$(command -v "$python")" "$venv"
    else
        has_venv || provide_venv
        quietly "$python" -m venv "$venv"
    fi
}

pip_install() {
    if has_uv; then
        quietly uv pip install --quiet --python "$venv/bin/python" "$@"
    else
        quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

# One at a time: `make up` and `make test` may well be started side by side.
if command -v flock >/dev/null; then
    exec 9<"$0"
    flock 9
fi

# .complete holds the Python that made the .venv, and is away while work is under way:
# what an interrupted run left behind is made anew, never repaired.
made_by=$(cat "$venv/.complete" 2>/dev/null) || made_by=
python=${PYTHON:-${made_by:-python3}}
hint="name another: make PYTHON=python3.13 …"

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    die "Python 3.11 or newer is needed, and '$python' does not run; $hint"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "Python 3.11 or newer is needed, and '$python' is $version; $hint"

echo "Installing $lock into $venv …"
if [ "$python" != "$made_by" ]; then
    create
elif ! has_uv && [ ! -e "$venv/bin/pip" ]; then
    create # uv made it, without pip, and has gone since
fi
rm -f "$venv/.complete"
pip_install --require-hashes --requirement "$lock"
# The build backend is in the lock: nothing is downloaded for the build.
if [ $# -gt 1 ]; then
    pip_install --no-index --no-deps "$2"
else
    pip_install --no-index --no-deps --no-build-isolation --editable .
fi
touch "$venv/.$1"
echo "$python" >"$venv/.complete"

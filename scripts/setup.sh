# Shared by ./run and ./test: Debian packages, .venv, requirements, front-end assets. Sourced, not run.
# Wants HERE (the checkout) and BEGAN (seconds since 1970). What is done already is skipped by stamps:
# a stamp holds the hash of all that went into the step.

PYTHON=/usr/bin/python3
VENV="$HERE/.venv"

say() {
    printf '[%6.1f s] %s\n' "$(awk -v a="$BEGAN" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')" "$*"
}

fail() {
    printf 'heliosphere: %s\n' "$*" >&2
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# True when FILE holds exactly TEXT.
stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

install_packages() {
    # Installs without starting the packages' own services: a policy-rc.d that says "not now" (101) stands
    # in where the machine has none of its own.
    local policy=/usr/sbin/policy-rc.d made=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=yes
    fi
    local code=0 log
    log="$(mktemp)"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1; } || code=$?
    [ -z "$made" ] || rm -f "$policy"
    if [ "$code" != 0 ]; then
        tail -n 5 "$log" >&2 || true
        fail "apt-get could not install: $*"
    fi
    rm -f "$log"
}

need_python() {
    [ -x "$PYTHON" ] || { is_root && install_packages python3; } || fail "python3 is missing: apt-get install python3"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
        fail "Python 3.11 is needed as $PYTHON (Debian 12 has it); this is $("$PYTHON" -V)"
    if [ ! -x "$VENV/bin/python" ] && ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        is_root || fail "python3-venv is missing: ask root for apt-get install python3-venv"
        say "installing python3-venv"
        install_packages python3-venv
    fi
}

# wanted_packages OPTIONS…: installs as root what is missing, after listing it; else says what is missing.
wanted_packages() {
    local missing
    missing="$(PYTHONPATH="$HERE/src" PYTHONDONTWRITEBYTECODE=1 \
        "$PYTHON" -m heliosphere.cli.house.packages --missing "$@")"
    [ -n "$missing" ] || return 0
    if ! is_root; then
        say "not root: missing Debian packages stay out (each is named below with how to get it)"
        return 0
    fi
    say "Debian packages to install, and what for:"
    printf '%s\n' "$missing" | awk -F '\t' '{ printf "             %-24s %s\n", $1, $2 }'
    # shellcheck disable=SC2046
    install_packages $(printf '%s\n' "$missing" | cut -f 1)
    say "Debian packages are in place"
}

make_venv() {
    local wanted
    wanted="$(cat "$HERE/requirements.txt" <("$PYTHON" -V) | sha256sum | cut -d ' ' -f 1)"
    stamped "$VENV/requirements.stamp" "$wanted" && return 0
    if [ ! -x "$VENV/bin/python" ]; then
        say "making .venv"
        "$PYTHON" -m venv "$VENV"
    fi
    if [ ! -x "$VENV/bin/uv" ]; then
        # Only uv by pip, with the hashes of requirements.txt; uv then does the rest much faster.
        local only_uv
        only_uv="$(mktemp)"
        awk '/^[a-z]/ { on = ($0 ~ /^uv==/) } on && !/^ *#/' "$HERE/requirements.txt" >"$only_uv"
        "$VENV/bin/python" -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r "$only_uv" ||
            say "uv could not be installed, pip does the work (slower)"
        rm -f "$only_uv"
    fi
    say "installing the Python packages of requirements.txt"
    if [ -x "$VENV/bin/uv" ]; then
        "$VENV/bin/uv" pip install -q --python "$VENV/bin/python" --compile-bytecode --require-hashes \
            -r "$HERE/requirements.txt"
    else
        "$VENV/bin/python" -m pip install -q --disable-pip-version-check --require-hashes \
            -r "$HERE/requirements.txt"
    fi
    printf '%s' "$wanted" >"$VENV/requirements.stamp"
    say "Python packages are in place"
}

# The checkout itself: found through a path file, so that nothing has to be built.
link_source() {
    local folder
    folder="$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    if [ ! -x "$VENV/bin/heliosphere" ] || ! ls "$folder"/*heliosphere*.pth >/dev/null 2>&1; then
        printf '%s\n' "$HERE/src" >"$folder/heliosphere.pth"
        printf '#!%s\nimport sys\n\nfrom heliosphere.cli.main import main\n\nsys.exit(main())\n' \
            "$VENV/bin/python" >"$VENV/bin/heliosphere"
        chmod 755 "$VENV/bin/heliosphere"
    fi
    # Our services may not write here (they run as another user), so compile now; the rest is quick.
    local wanted
    wanted="$(find "$HERE/src" -name '*.py' -printf '%P %s %T@\n' | sort | sha256sum | cut -d ' ' -f 1)"
    stamped "$VENV/source.stamp" "$wanted" && return 0
    "$VENV/bin/python" -m compileall -q "$HERE/src" >/dev/null || true
    printf '%s' "$wanted" >"$VENV/source.stamp"
}

make_assets() {
    [ -f "$HERE/assets/build.py" ] || return 0
    local wanted vendor="$HERE/src/heliosphere/panel/static/vendor"
    wanted="$(find "$HERE/assets" -type f -not -path '*/node_modules/*' -not -path '*/__pycache__/*' -print0 |
        sort -z | xargs -0 cat | sha256sum | cut -d ' ' -f 1)"
    [ -d "$vendor" ] && stamped "$VENV/assets.stamp" "$wanted" && return 0
    say "getting the front-end assets"
    "$VENV/bin/python" "$HERE/assets/build.py" || fail "the front-end assets could not be made (see above)"
    printf '%s' "$wanted" >"$VENV/assets.stamp"
    say "front-end assets are in place"
}

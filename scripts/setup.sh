# Shared by ./run and ./test: Debian packages, .venv, requirements, front-end assets. Sourced, not run.
# Wants HERE (the checkout) and BEGAN (seconds since 1970). What is done already is skipped by stamps:
# a stamp holds the hash of all that went into the step.

PYTHON=/usr/bin/python3
VENV="$HERE/.venv"
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

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

POLICY=/usr/sbin/policy-rc.d

# Removed however we end: a machine that kept it would start no new service any more.
drop_policy() {
    if grep -qs "heliosphere" "$POLICY"; then rm -f "$POLICY"; fi
}

install_packages() {
    # Installs without starting the packages' own services: a policy-rc.d that says "not now" (101) stands
    # in where the machine has none of its own.
    local code=0 log
    log="$(mktemp)"
    if [ ! -e "$POLICY" ]; then
        trap drop_policy EXIT
        printf '#!/bin/sh\n# heliosphere sets up packages: start no services\nexit 101\n' >"$POLICY"
        chmod 755 "$POLICY"
    fi
    { apt-get update -qq >"$log" 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends -o APT::Status-Fd=3 "$@" 3>&1 >>"$log" 2>&1 | apt_progress; } || code=$?
    drop_policy
    if [ "$code" != 0 ]; then
        tail -n 5 "$log" >&2 || true
        fail "apt-get could not install: $* (see $log; ./run --no-packages leaves packages out)"
    fi
    rm -f "$log"
}

# apt's status lines ("dlstatus:…:PERCENT:…", "pmstatus:…") to a line of ours every third of the way.
apt_progress() {
    local kind percent shown=""
    while IFS=: read -r kind _ percent _; do
        case "$kind" in dlstatus) kind="downloading packages" ;; pmstatus) kind="installing packages" ;; *) continue ;; esac
        percent="${percent%%.*}"
        percent="$kind: $((percent / 33 * 33)) %"
        case "$percent" in "$shown" | *" 0 %" | *" 99 %") continue ;; esac
        say "  $percent"
        shown="$percent"
    done
}

# can PYTHON WORDS…: it is there and runs them without an error.
can() { [ -x "$1" ] && "$1" -c "$2" 2>/dev/null; }
IS_311='import sys; sys.exit(sys.version_info[:2] != (3, 11))'

# need_python [no-packages]: sets PYTHON to a Python 3.11 that can make a venv. Debian's own comes first: root's
# services run as a plain user, who may not reach one under /root.
need_python() {
    local other
    if ! [ -x "$PYTHON" ] && is_root && [ "${1:-}" != no-packages ]; then
        say "installing python3"
        install_packages python3
    fi
    if [ -x "$VENV/bin/pip" ] && can "$VENV/bin/python" "$IS_311"; then
        PYTHON="$VENV/bin/python"
        return 0
    fi
    if can "$PYTHON" "$IS_311" && ! can "$PYTHON" 'import ensurepip' && is_root && [ "${1:-}" != no-packages ]; then
        say "installing python3-venv"
        install_packages python3-venv
    fi
    for other in "$PYTHON" "$(command -v python3.11 || true)" "$(command -v python3 || true)"; do
        if can "$other" "$IS_311" && can "$other" 'import ensurepip'; then
            PYTHON="$other"
            return 0
        fi
    done
    can "$PYTHON" "$IS_311" || fail "Python 3.11 is needed, as $PYTHON or as python3.11 (Debian 12 has it)"
    fail "python3-venv is missing: apt-get install python3-venv (as root)"
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

# False when uv is not there or cannot; pip may still, it finds its way by other settings (pip.conf).
install_by_uv() {
    [ -x "$VENV/bin/uv" ] || return 1
    # The machine's own certificates where it has some: uv's built-in list does not know a company's proxy.
    local certificates=()
    [ ! -s "$CERTIFICATES" ] || certificates=(--system-certs)
    "$VENV/bin/uv" pip install -q ${certificates[@]+"${certificates[@]}"} --python "$VENV/bin/python" \
        --compile-bytecode --require-hashes -r "$HERE/requirements.txt" && return 0
    say "uv could not install them (see above), pip does the work (slower)"
    return 1
}

make_venv() {
    local wanted
    wanted="$(cat "$HERE/requirements.txt" <("$PYTHON" -V) | sha256sum | cut -d ' ' -f 1)"
    stamped "$VENV/requirements.stamp" "$wanted" && return 0
    if [ ! -x "$VENV/bin/pip" ]; then
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
    if ! install_by_uv; then
        "$VENV/bin/python" -m pip install -q --disable-pip-version-check --require-hashes \
            -r "$HERE/requirements.txt" ||
            fail "the Python packages could not be installed (see above); ./run goes on from here once that is mended"
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
    command -v npm >/dev/null || say "  no npm here: its Python wheel does it (fetched once)"
    # As above: node's built-in certificates do not know a company's proxy.
    if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -s "$CERTIFICATES" ]; then
        export NODE_EXTRA_CA_CERTS="$CERTIFICATES"
    fi
    "$VENV/bin/python" "$HERE/assets/build.py" || fail "the front-end assets could not be made (see above)"
    printf '%s' "$wanted" >"$VENV/assets.stamp"
    say "front-end assets are in place"
}

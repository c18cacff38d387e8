# SPDX-License-Identifier: EUPL-1.2
# What the tools share: messages, packages from apt, builds by preset. Source it after BC_ROOT is set to the tree.

say() { printf '%s\n' "$*"; }
die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        exit 1
}

# as_root COMMAND...: as root already, or through sudo; never asks for a password when nobody can answer.
as_root() {
        if [ "$(id -u)" -eq 0 ]; then
                "$@"
        elif ! command -v sudo >/dev/null; then
                say "needs root or sudo: $*" >&2
                return 1
        elif [ -n "${CI-}" ] || ! [ -t 0 ]; then
                sudo -n "$@"
        else
                sudo "$@"
        fi
}

# packages_missing GROUP...: the packages of these groups (tools/lib/packages.txt) that are not installed, one a line.
packages_missing() {
        local name status group package alternative wanted found native
        local -A installed=()
        native=$(dpkg --print-architecture)
        while read -r name status; do
                [ "$status" != installed ] || installed[$name]=1
        done < <(dpkg-query -W -f '${Package}:${Architecture} ${db:Status-Status}\n')
        for wanted in "$@"; do
                while read -r group package _; do
                        [ "$group" = "$wanted" ] || continue
                        found=
                        for alternative in ${package//|/ }; do
                                for name in "$alternative" "$alternative:$native" "$alternative:all"; do
                                        [ -z "${installed[$name]-}" ] || found=1
                                done
                        done
                        [ -n "$found" ] || printf '%s\n' "$package"
                done < "$BC_ROOT/tools/lib/packages.txt"
        done | sort -u
}

# packages_install GROUP...: installs what is missing. 0 when everything is there afterwards.
packages_install() {
        local missing package alternative names=()
        missing=$(packages_missing "$@") || return 1
        [ -n "$missing" ] || return 0
        command -v apt-get >/dev/null || {
                say "apt-get is not here, and these packages are missing: ${missing//$'\n'/ }" >&2
                return 1
        }
        say "installing: ${missing//$'\n'/ }"
        if [[ $missing == *:arm64* ]] && ! dpkg --print-foreign-architectures | grep -qx arm64; then
                as_root dpkg --add-architecture arm64 || return 1
        fi
        # An unrelated broken source must not stop us: whether the packages install is what counts.
        as_root apt-get -q -o DPkg::Lock::Timeout=600 update || say "apt-get update complained; going on"
        for package in $missing; do
                for alternative in ${package//|/ }; do
                        if apt-cache show --no-all-versions "$alternative" >/dev/null 2>&1; then
                                package=$alternative
                                break
                        fi
                done
                names+=("$package")
        done
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
                install --no-install-recommends "${names[@]}" || return 1
        missing=$(packages_missing "$@")
        [ -z "$missing" ] || { say "still missing after installing: ${missing//$'\n'/ }" >&2; return 1; }
}

# build_preset PRESET [TARGET...]: configures and builds build/PRESET, all of it or these targets. The whole output
# is in build.log there; shown are a line now and then, and the end of the log when it fails.
build_preset() {
        local preset=$1 log=$BC_ROOT/build/$1/build.log
        shift
        [ $# -eq 0 ] || set -- --target "$@"
        mkdir -p "${log%/*}"
        if {
                cmake -S "$BC_ROOT" --preset "$preset" && cmake --build "$BC_ROOT/build/$preset" "$@"
        } 2>&1 </dev/null | tee "$log" | awk '
                match($0, /^\[[0-9]+\/[0-9]+\]/) {
                        split(substr($0, 2), n, /[\/\]]/)
                        if (n[1] % 25 && n[1] != n[2]) next
                        print "  " substr($0, 1, 100); fflush()
                }'
                [ "${PIPESTATUS[0]}" -eq 0 ]
        then
                return 0
        fi
        say "building $preset failed; the end of build/$preset/build.log:"
        tail -n 60 "$log"
        return 1
}

#!/bin/sh
# Measures how long "hello" takes, beside the least it could take and beside other runtimes.
#
#   tests/bench/run.sh BUILD_DIR [BENCH_OPTION...]      ("--rounds 1000", see BUILD_DIR/tests/bench/bench --help)
#
# What runs, each from its start until it has been waited for, with its output checked:
#
#   floor           makes a VM, prints two bytes from ring 3, ends: the least any VM costs here (floor.c)
#   kvshim-bare     kvshim run of a freestanding hello
#   kvshim-busybox  kvshim run of Debian's static busybox, "echo hello"
#   runc, runsc     the same busybox, from a bundle as "runc spec" makes it; runsc in every tenth round
#   busybox         the same busybox without any runtime
#   empty           a static program that does nothing
#
# How to read it: milliseconds are this machine's, at this minute, and no criterion. The ratio to the floor is: it is taken
# within each round and then the median of all, and what stands beside it is the interval the true median is in with 95 %
# confidence. The ratio of the two medians comes last; where it differs much, the machine was not quiet. Budgets compare the
# ratios with what the design promises. The exit status is 1 if one is exceeded or a measured command failed.
#
# A peer that is not installed, or does not work for this user, stands in the table with the reason. The table goes to
# stdout, progress to stderr, every single time to BUILD_DIR/bench.json.

set -eu

rounds=200
runsc_every=10

say() { printf 'bench: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 2
}

[ -d "${1-}" ] || die 'usage: run.sh BUILD_DIR [BENCH_OPTION...]'
build=$(cd "$1" && pwd)
shift
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	die 'kvm: /dev/kvm is not there, or not for this user'
fi

# On a tmpfs where there is one: that is where runtimes keep their state.
for parent in /run "${XDG_RUNTIME_DIR:-/run}" "${TMPDIR:-/tmp}"; do
	work=$(mktemp -d "$parent/kvshim-bench.XXXXXX" 2>/dev/null) && break
done
id=${work##*/}
runc=
runsc=

# The commands leave nothing, but an interrupted one may.
clean_up() {
	trap - EXIT INT TERM HUP
	[ -z "$runc" ] || "$runc" --root "$work/runc" delete --force "$id" >/dev/null 2>&1 || :
	[ -z "$runsc" ] || "$runsc" --root "$work/runsc" delete -force "$id" >/dev/null 2>&1 || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM HUP

# ---- what to run --------------------------------------------------------------------------------------------------------

# spec FILE ABI ARGUMENT...
spec() {
	file=$1
	abi=$2
	shift 2
	jq -n --arg root "$build/rootfs" --arg abi "$abi" '{
		ociVersion: "1.2.0",
		process: { args: $ARGS.positional },
		root: { path: $root },
		annotations: { "org.kvshim.abi": $abi }
	}' --args "$@" >"$file"
}

# The bundle both peers run: what "runc spec" suggests, with another command and no terminal.
make_bundle() {
	mkdir -p "$work/bundle/rootfs/bin"
	cp "$build/rootfs/bin/busybox" "$work/bundle/rootfs/bin/"
	if [ "$(id -u)" -eq 0 ]; then rootless=; else rootless=--rootless; fi
	(cd "$work/bundle" && runc spec $rootless)
	jq '.process.terminal = false | .process.args = ["/bin/busybox", "echo", "hello"]' \
		"$work/bundle/config.json" >"$work/config.json"
	mv "$work/config.json" "$work/bundle/config.json"
}

# why_not NAME COMMAND...   says why a peer cannot be measured, or nothing
why_not() {
	peer=$1
	shift
	if ! command -v "$peer" >/dev/null; then
		echo "not installed"
	elif [ ! -e "$work/bundle/config.json" ]; then
		echo "runc is not installed, and it makes the bundle"
	elif ! "$@" </dev/null >"$work/output" 2>"$work/error"; then
		echo "does not work here: $(tail -n 1 "$work/error" | cut -c 1-100)"
	fi
}

say 'preparing'
command -v jq >/dev/null || die 'jq: not installed'
spec "$work/bare.json" bare /bin/bare-hello
spec "$work/busybox.json" linux /bin/busybox echo hello
runc=$(command -v runc || :)
runsc=$(command -v runsc || :)
[ -z "$runc" ] || make_bundle

set -- --rounds "$rounds" --json "$build/bench.json" "$@" \
	--run floor --expect h "$build/tests/bench/floor" ';' \
	--run kvshim-bare --expect 'hello from a bare machine' "$build/kvshim" run "$work/bare.json" ';' \
	--run kvshim-busybox --expect hello "$build/kvshim" run "$work/busybox.json" ';'

reason=$(why_not runc "$runc" --root "$work/runc" run --bundle "$work/bundle" "$id")
if [ -n "$reason" ]; then
	set -- "$@" --skip runc "$reason"
else
	set -- "$@" --run runc --expect hello "$runc" --root "$work/runc" run --bundle "$work/bundle" "$id" ';'
fi

# ptrace is the platform that works everywhere: the kvm one hangs on a KVM without hardware virtualisation.
reason=$(why_not runsc "$runsc" --root "$work/runsc" --platform=ptrace --network=none run --bundle "$work/bundle" "$id")
if [ -n "$reason" ]; then
	set -- "$@" --skip runsc "$reason"
else
	set -- "$@" --run runsc --every "$runsc_every" --expect hello \
		"$runsc" --root "$work/runsc" --platform=ptrace --network=none run --bundle "$work/bundle" "$id" ';'
fi

set -- "$@" \
	--run busybox --expect hello "$build/rootfs/bin/busybox" echo hello ';' \
	--run empty "$build/tests/bench/empty" ';'

for name in kvshim-bare kvshim-busybox; do
	set -- "$@" --budget "$name=2.0" --budget "$name/runc=1/4"
done

# ---- running it ---------------------------------------------------------------------------------------------------------

# In the background, so that an interrupt of this shell alone ends it all.
"$build/tests/bench/bench" "$@" </dev/null &
bench=$!
trap 'kill $bench 2>/dev/null || :; wait $bench || :; clean_up; exit 130' INT TERM HUP
wait "$bench"

# What the command line tests share. KVSHIM is the program, KVSHIM_BUILD the build tree it is in.

setup() {
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/bin" "$root/etc"
	cp "$(command -v busybox)" "$KVSHIM_BUILD/tests/payloads/program-musl" "$root/bin"
	cp "$KVSHIM_BUILD/tests/payloads/bare-hello" "$KVSHIM_BUILD/tests/payloads/uart" "$root/bin"
	cd "$BATS_TEST_TMPDIR" || return
}

# What every test must leave behind: nothing. A VMM that is on its way out gets a moment.
teardown() {
	for _ in $(seq 40); do
		[ -n "$(vmms)" ] || return 0
		sleep 0.05
	done
	echo "left behind: $(vmms)" >&2
	return 1
}

# The VMMs whose payloads are this test's own: others may run tests on this machine too.
vmms() {
	for proc in /proc/[0-9]*; do
		[ "$(cat "$proc/comm" 2>/dev/null)" = kvshim-vmm ] || continue
		case $(readlink "$proc/cwd" 2>/dev/null) in
		"$BATS_TEST_TMPDIR"*) echo "${proc#/proc/}" ;;
		esac
	done | sort -u
}

need_kvm() {
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || skip "kvm: /dev/kvm cannot be opened"
}

# spec ARG...   writes spec.json; $abi and $annotations (more of them, beginning with a comma) count
spec() {
	local args=
	for arg; do
		args="$args,\"$arg\""
	done
	cat >spec.json <<-END
		{ "ociVersion": "1.2.0",
		  "process": { "args": [${args#,}], "env": ["PATH=/bin"] },
		  "root": { "path": "root" },
		  "annotations": { "org.kvshim.abi": "${abi:-linux}"${annotations-} } }
	END
}

# payload ARG...   runs one in the foreground, with whatever descriptors the caller set up
payload() {
	spec "$@"
	"$KVSHIM" run spec.json
}

program() { payload /bin/program-musl "$@"; }

busybox_in() { payload /bin/busybox "$@"; }

# The pid of the VMM behind a kvshim, once it is there.
vmm_of() {
	local child
	for _ in $(seq 100); do
		child=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
		[ -z "$child" ] || break
		sleep 0.02
	done
	echo "${child%% *}"
}

# wait_for_text FILE TEXT
wait_for_text() {
	for _ in $(seq 250); do
		grep -qs "$2" "$1" && return
		sleep 0.02
	done
	echo "'$2' never came in $1: $(cat "$1")" >&2
	return 1
}

# One line that says what, and one that says what to do.
assert_two_lines() {
	[ "$(wc -l <err)" -eq 2 ]
	[[ $(sed -n 1p err) == "kvshim: "* ]]
	[[ $(sed -n 2p err) == "kvshim: hint: "* ]]
}

# fails STATUS CODE TEXT COMMAND...   one error, with its code, and nothing on stdout
fails() {
	local want=$1 code=$2 text=$3 status=0
	shift 3
	"$@" >out 2>err </dev/null || status=$?
	cat err
	[ "$status" -eq "$want" ]
	[ ! -s out ]
	grep -F "$text" err
	grep -F "[$code]" err
}

# ---- containers: their state is the test's own ----

kvshim_() {
	"$KVSHIM" --root "$BATS_TEST_TMPDIR/state" "$@"
}

# bundle ARG...   a config.json in ./bundle that runs busybox
bundle() {
	mkdir -p bundle
	spec /bin/busybox "$@"
	sed 's|"path": "root"|"path": "../root"|' spec.json >bundle/config.json
}

create() {
	kvshim_ create --bundle bundle --pid-file pid "$1"
}

status_of() {
	kvshim_ state "$1" | jq -r .status
}

until_status() {
	for _ in $(seq 100); do
		[ "$(status_of "$1")" != "$2" ] || return 0
		sleep 0.05
	done
	return 1
}

#!/usr/bin/env bats
# What was wrong once: machines with little to give, and containers whose processes are taken from them.

load common

# runs_or_refuses COMMAND...   prints "fine", or says in an error with a code why it does not
runs_or_refuses() {
	local status=0
	"$@" >out 2>err </dev/null || status=$?
	echo "$* -> $status: $(cat out err)"
	! grep -E 'crashed|left no record|INTERNAL' err
	if [ "$status" -eq 0 ]; then
		[ "$(cat out)" = fine ]
		[ ! -s err ]
	else
		[ "$status" -eq 125 ]
		grep -qE '^kvshim: .*\[[A-Z_]+\]' err
	fi
}

@test "few descriptors: it runs, or says why not" {
	need_kvm
	spec /bin/busybox echo fine
	for n in 16 20 30; do
		runs_or_refuses sh -c "ulimit -n $n; exec '$KVSHIM' run spec.json"
	done
	for n in 4 6 8; do
		spec /bin/busybox echo fine
		sed -i "s|\"args\"|\"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": $n, \"hard\": $n}], \"args\"|" spec.json
		runs_or_refuses "$KVSHIM" run spec.json
	done
}

@test "a stack of 128 KiB is enough" {
	need_kvm
	spec /bin/busybox echo fine
	[ "$(ulimit -s 128; "$KVSHIM" run spec.json)" = fine ]
}

@test "without /proc, a kvshim-vmm in the current directory is nobody's" {
	need_kvm
	[ "$(id -u)" -eq 0 ] || skip "root: needs a mount namespace"
	unshare -m true 2>/dev/null || skip "root: no mount namespaces here"
	spec /bin/busybox echo fine
	mkdir empty
	printf '#!/bin/sh\ntouch "%s/taken"\n' "$BATS_TEST_TMPDIR" >kvshim-vmm
	chmod +x kvshim-vmm
	# shellcheck disable=SC2016 # the inner shell expands these
	runs_or_refuses unshare -m sh -c 'mount --bind empty /proc && exec "$0" run spec.json' "$KVSHIM"
	[ ! -e taken ]
}

@test "a container's VMM killed: stopped, with 137, and deleted like any other" {
	need_kvm
	bundle sleep 600
	create one
	kvshim_ start one
	until_status one running
	[ "$(vmms)" = "$(kvshim_ state one | jq .pid)" ]
	kill -KILL "$(kvshim_ state one | jq .pid)"
	until_status one stopped
	run kvshim_ wait one
	[ "$status" -eq 137 ]
	kvshim_ delete one
	[ -z "$(ls -A state)" ]
}

@test "a forged exit record is not believed, and breaks nothing" {
	need_kvm
	for byte in '\000' '\001' '\177' '\377' A; do
		bundle sh -c 'exit 3'
		create one
		kvshim_ start one
		until_status one stopped
		size=$(stat -c %s state/one/exit)
		[ "$size" -gt 0 ]
		head -c "$size" /dev/zero | tr '\000' "$byte" >forged
		cat forged >state/one/exit
		status=0
		timeout 10 "$KVSHIM" --root state wait one >out 2>err </dev/null || status=$?
		echo "$byte: exit status $status: $(cat out err)"
		[ "$status" -ne 124 ] # of timeout
		[ "$status" -ne 139 ]
		[ "$status" -ne 134 ]
		[ "$(wc -c <err)" -lt 1000 ]
		[ "$(kvshim_ state one | jq -r .status)" = stopped ]
		kvshim_ delete one
	done
	[ -z "$(ls -A state)" ]
}

@test "create killed at any moment: delete --force leaves nothing" {
	need_kvm
	bundle sleep 600
	for _ in $(seq 30); do
		# Not the function: the process must be kvshim itself, not a shell around it.
		"$KVSHIM" --root state create --bundle bundle one </dev/null >>out 2>&1 3>&- &
		pid=$!
		sleep "0.00$((RANDOM % 7))" # it takes some 5 ms
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		kvshim_ delete --force one 2>err || { cat err; return 1; }
		[ -z "$(ls -A state)" ]
	done
	# A VMM nobody knows of any more would stay parked for ever: end it here, having counted it.
	sleep 0.5
	left=$(vmms)
	for pid in $left; do
		kill -KILL "$pid"
	done
	echo "left behind: $left"
	[ -z "$left" ]
}

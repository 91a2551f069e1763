#!/usr/bin/env bats
# Signals sent to kvshim are the payload's; what dies takes along what belongs to it.

load common

# starts in the background, with its outputs in files; $pid is kvshim's
start() {
	spec "$@"
	# Shells have their background jobs ignore these two.
	env --default-signal=INT,QUIT "$KVSHIM" run spec.json </dev/null >out 2>err 3>&- &
	pid=$!
	wait_for_text out ready
}

# sends a signal, waits, and compares the exit status
expect_end() {
	local status=0
	kill -s "$1" "$pid"
	wait "$pid" || status=$?
	echo "exit status $status: $(cat out err)"
	[ "$status" -eq "$2" ]
}

@test "default actions: HUP, INT, QUIT, TERM, USR1, ALRM" {
	need_kvm
	for pair in HUP:129 INT:130 QUIT:131 TERM:143 USR1:138 ALRM:142; do
		start /bin/program-musl wait_default
		expect_end "${pair%:*}" "${pair#*:}"
	done
}

@test "a signal that was ignored stays ignored" {
	need_kvm
	spec /bin/program-musl wait_default
	env --ignore-signal=HUP "$KVSHIM" run spec.json </dev/null >out 2>err 3>&- &
	pid=$!
	wait_for_text out ready
	kill -HUP "$pid"
	sleep 0.2
	expect_end TERM 143
}

@test "handlers: HUP, INT, QUIT, TERM" {
	need_kvm
	for pair in HUP:1 INT:2 QUIT:3 TERM:15; do
		start /bin/program-musl wait_for_term
		expect_end "${pair%:*}" "${pair#*:}"
		grep -q handled out
	done
}

@test "a handler runs while the payload waits for input" {
	need_kvm
	spec /bin/program-musl read_term
	mkfifo in
	"$KVSHIM" run spec.json <in >out 2>err 3>&- &
	pid=$!
	exec 9>in
	wait_for_text out ready
	expect_end TERM 15
	exec 9>&-
	grep -q handled out
}

@test "kvshim killed: its VMM dies too" {
	need_kvm
	start /bin/program-musl wait_default
	vmm=$(vmm_of "$pid")
	[ -n "$vmm" ]
	kill -KILL "$pid"
	wait "$pid" || true
	for _ in $(seq 100); do
		[ -e "/proc/$vmm" ] || break
		sleep 0.02
	done
	[ ! -e "/proc/$vmm" ] || grep -q '^State:.*Z' "/proc/$vmm/status"
}

@test "the VMM killed: kvshim says so, and ends as it did" {
	need_kvm
	start /bin/program-musl wait_default
	kill -KILL "$(vmm_of "$pid")"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 137 ]
	grep -q 'signal 9' err
}

@test "the VMM crashed: that is kvshim's failure, not the payload's" {
	need_kvm
	start /bin/program-musl wait_default
	kill -SEGV "$(vmm_of "$pid")"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 125 ]
	grep -q 'INTERNAL' err
}

@test "a terminal's interrupt reaches the payload once" {
	need_kvm
	spec /bin/program-musl wait_for_term
	mkfifo keys
	# script runs $SHELL, and dash would not outlive the interrupt.
	timeout 20 env SHELL=/bin/bash script -qec "'$KVSHIM' run spec.json; echo status \$?" /dev/null <keys >out 2>&1 3>&- &
	pid=$!
	exec 9>keys
	wait_for_text out ready || { exec 9>&-; return 1; }
	printf '\003' >&9
	wait_for_text out status || { exec 9>&-; return 1; }
	exec 9>&-
	wait "$pid" || true
	[ "$(grep -c handled out)" -eq 1 ]
	grep -q 'status 2' out
}

@test "the VMM is given no descriptor of the caller's" {
	need_kvm
	spec /bin/program-musl wait_default
	"$KVSHIM" run spec.json </dev/null >out 2>err 3>&- 7</etc/passwd 8</etc 200</etc/group &
	pid=$!
	wait_for_text out ready
	vmm=$(vmm_of "$pid")
	ls -l "/proc/$vmm/fd" | tee fds
	# /dev/kvm's VM and vCPU, the payload, its root, null, the control socket, and the three standard ones.
	[ "$(ls "/proc/$vmm/fd" | wc -l)" -le 12 ]
	! grep -E '/etc|passwd|group' fds
	! grep -E 'spec.json' fds
	# Beyond 2 all are out of the payload's reach.
	for fd in /proc/"$vmm"/fd/*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || [ "$fd" -ge 1024 ]
	done
	[ -z "$(tr -d '\0' <"/proc/$vmm/environ")" ]
	expect_end TERM 143
}

@test "a payload has only its three descriptors" {
	need_kvm
	spec /bin/program-musl descriptors
	"$KVSHIM" run spec.json </dev/null 7</etc/passwd >out 2>&1
	[ ! -s out ]
}

@test "twenty at once" {
	need_kvm
	spec /bin/busybox echo done
	pids=
	for i in $(seq 20); do
		"$KVSHIM" run spec.json >"out.$i" 2>&1 </dev/null 3>&- &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid"
	done
	[ "$(cat out.* | grep -c '^done$')" -eq 20 ]
}

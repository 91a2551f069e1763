#!/usr/bin/env bats
# Standard input and output: whatever they are, however slow, nothing is lost.

load common

@test "closed standard input, output, error, all of them" {
	need_kvm
	spec /bin/busybox sh -c 'read -r x; echo out; echo err >&2; exit 7'
	status=0; "$KVSHIM" run spec.json <&- >out 2>err || status=$?
	[ "$status" -eq 7 ] && [ "$(cat out)" = out ]
	status=0; "$KVSHIM" run spec.json </dev/null >&- 2>err || status=$?
	[ "$status" -eq 7 ] && grep -q err err
	status=0; "$KVSHIM" run spec.json </dev/null >out 2>&- || status=$?
	[ "$status" -eq 7 ] && [ "$(cat out)" = out ]
	status=0; "$KVSHIM" run spec.json <&- >&- 2>&- || status=$?
	[ "$status" -eq 7 ]
}

@test "what is closed outside is closed inside" {
	need_kvm
	spec /bin/busybox cat
	status=0; "$KVSHIM" run spec.json <&- >out 2>err || status=$?
	[ "$status" -eq 1 ]
	grep -qi 'bad file descriptor' err
}

@test "closed descriptors of a bare payload" {
	need_kvm
	abi=bare spec /bin/uart echo
	status=0; "$KVSHIM" run spec.json <&- >out || status=$?
	[ "$status" -eq 77 ]
	status=0; "$KVSHIM" run spec.json </dev/null >&- || status=$?
	[ "$status" -eq 77 ]
}

@test "/dev/null and /dev/full" {
	need_kvm
	busybox_in cat </dev/null >/dev/null
	status=0
	busybox_in echo lost >/dev/full 2>err || status=$?
	[ "$status" -ne 0 ]
	grep -q 'No space left' err
	abi=bare spec /bin/uart polled
	timeout 10 "$KVSHIM" run spec.json >/dev/full || status=$?
	[ "$status" -ne 124 ]
}

@test "files in, files out, appended" {
	need_kvm
	seq 1 20000 >in
	spec /bin/busybox cat
	"$KVSHIM" run spec.json <in >out
	cmp in out
	"$KVSHIM" run spec.json <in >>out
	[ "$(wc -c <out)" -eq $(($(wc -c <in) * 2)) ]
	# The position is shared with whoever comes next, as with any program.
	{
		busybox_in head -c 5 >/dev/null
		cat >rest
	} <in
	[ -s rest ]
}

@test "a gibibyte from stdin to stdout, byte for byte" {
	need_kvm
	spec /bin/program-musl copy
	seq 100000001 300000000 | head -c 1073741824 | tee >(sha256sum >want) |
		"$KVSHIM" run spec.json | sha256sum >got
	for _ in $(seq 50); do
		[ ! -s want ] || break
		sleep 0.1
	done
	cmp want got
}

@test "sixteen mebibytes through busybox, in odd pieces" {
	need_kvm
	head -c 16777216 /dev/urandom >in
	spec /bin/busybox dd bs=4097 status=none
	dd if=in bs=1237 status=none | "$KVSHIM" run spec.json | dd bs=733 of=out status=none
	cmp in out
}

@test "a reader that stalls loses nothing" {
	need_kvm
	spec /bin/busybox seq 1 100000
	"$KVSHIM" run spec.json | { sleep 0.5; head -c 100; sleep 0.3; cat; } >out
	seq 1 100000 | cmp - out
	abi=bare spec /bin/uart string_out
	"$KVSHIM" run spec.json | { sleep 0.5; cat; } >out
	[ "$(head -c 4950 out | wc -l)" -eq 99 ]
}

@test "a writer that stalls is waited for" {
	need_kvm
	spec /bin/busybox cat
	{ printf a; sleep 0.3; printf b; sleep 0.3; printf c; } | "$KVSHIM" run spec.json >out
	[ "$(cat out)" = abc ]
	abi=bare spec /bin/uart echo
	{ printf a; sleep 0.3; printf b; sleep 0.3; printf c; } | "$KVSHIM" run spec.json >out || true
	[ "$(cat out)" = abcsurvived ]
}

@test "a reader that leaves ends the payload by SIGPIPE" {
	need_kvm
	spec /bin/program-musl write_until_error
	{
		status=0
		"$KVSHIM" run spec.json 2>err || status=$?
		echo "$status" >status
	} | head -c 10 >/dev/null
	[ "$(cat status)" -eq 141 ]
}

@test "a payload that ignores SIGPIPE sees EPIPE" {
	need_kvm
	spec /bin/program-musl broken_pipe_ignored
	{
		status=0
		"$KVSHIM" run spec.json 2>err || status=$?
		echo "$status" >status
	} | head -c 10 >/dev/null
	[ "$(cat status)" -eq 32 ]
}

@test "on a pseudo terminal" {
	need_kvm
	spec /bin/busybox sh -c 'test -t 0 && test -t 1 && test -t 2 && echo tty; exit 3'
	status=0
	env SHELL=/bin/bash script -qec "'$KVSHIM' run spec.json" /dev/null </dev/null >out || status=$?
	[ "$status" -eq 3 ]
	grep -q tty out
	spec /bin/busybox stty size
	env SHELL=/bin/bash script -qec "stty rows 33 cols 77; '$KVSHIM' run spec.json" /dev/null </dev/null >out
	grep -q '33 77' out
}

@test "a slow pseudo terminal loses nothing" {
	need_kvm
	spec /bin/busybox seq 1 20000
	env SHELL=/bin/bash script -qec "stty -opost; '$KVSHIM' run spec.json" /dev/null </dev/null | { sleep 0.5; cat; } >out
	seq 1 20000 | cmp - out
}

@test "a bare payload waits for a non-blocking pipe" {
	need_kvm
	command -v perl >/dev/null || skip "tools: there is no perl"
	abi=bare spec /bin/uart string_out
	perl -e 'use Fcntl; fcntl(STDOUT, 1031, 4096); fcntl(STDOUT, F_SETFL, O_NONBLOCK); exec @ARGV' \
		"$KVSHIM" run spec.json | { sleep 0.5; cat; } >out
	[ "$(head -c 4950 out | wc -l)" -eq 99 ]
	grep -q survived out
}

#!/usr/bin/env bats
# Files that are no payload: each is refused with what is wrong, where, and what to do.

load common

setup() {
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/bin"
	cd "$BATS_TEST_TMPDIR" || return
	"$KVSHIM_BUILD/tests/corpus/make-elf" root/bin
}

@test "the good one runs" {
	need_kvm
	spec /bin/good
	status=0
	"$KVSHIM" run spec.json || status=$?
	[ "$status" -eq 7 ]
}

@test "wrong in one place" {
	need_kvm
	[ "$(wc -l <root/bin/expected)" -gt 35 ]
	while IFS=$(printf '\t') read -r name text; do
		fails 126 PAYLOAD_FORMAT "$text" payload "/bin/$name"
		assert_two_lines
	done <root/bin/expected
}

@test "cut short" {
	need_kvm
	for size in 0 1 3 4 5 16 17 40 63 64 65 100 120 176 231 232 4096 8191; do
		head -c "$size" root/bin/good >root/bin/cut
		chmod 755 root/bin/cut
		fails 126 PAYLOAD_FORMAT "not a loadable payload" payload /bin/cut
		grep -q 'ELF offset' err
	done
}

@test "a dynamic program says which interpreter it wants" {
	need_kvm
	cp /bin/true root/bin/true
	fails 126 PAYLOAD_FORMAT "ld-linux" payload /bin/true
	grep -q 'hint:.*-static' err
}

@test "a script says so" {
	need_kvm
	printf '#!/bin/sh\nexit 0\n' >root/bin/script
	chmod 755 root/bin/script
	fails 126 PAYLOAD_FORMAT "" payload /bin/script
	grep -q 'hint:.*interpreter' err
}

@test "an object file, an archive, text, a directory of noise" {
	need_kvm
	printf 'hello, world, this is only text\n' >root/bin/text
	head -c 5000 /dev/urandom >root/bin/noise
	printf '!<arch>\n' >root/bin/archive
	chmod 755 root/bin/text root/bin/noise root/bin/archive
	for name in text noise archive; do
		fails 126 PAYLOAD_FORMAT "ELF" payload "/bin/$name"
	done
}

@test "what the fuzzer found" {
	need_kvm
	for file in "$KVSHIM_SOURCE"/tests/corpus/elf/*; do
		[ -f "$file" ] || continue
		cp "$file" root/bin/found
		chmod 755 root/bin/found
		annotations=',"org.kvshim.deadline":"1s"'
		status=0
		payload /bin/found >out 2>err </dev/null || status=$?
		[ "$status" -ne 124 ]
		! grep -q INTERNAL err
	done
}

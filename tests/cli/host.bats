#!/usr/bin/env bats
# A machine that cannot, or will not: each reason in a line, with a line on what to do.

load common

# Runs a command where /dev is laid over with a directory of our own, made by $1.
with_dev() {
	local make=$1
	shift
	[ "$(id -u)" -eq 0 ] || skip "root: needs a mount namespace"
	unshare -m true 2>/dev/null || skip "root: no mount namespaces here"
	unshare -m sh -c '
		mkdir -p "$0/dev" && mount -t tmpfs tmpfs "$0/dev" && touch "$0/dev/null" || exit 99
		mount --bind /dev/null "$0/dev/null" || exit 99
		cd "$0" && eval "$1" && shift || exit 99
		mount --rbind "$0/dev" /dev || exit 99
		exec "$@"' "$BATS_TEST_TMPDIR" "$make" "$@"
}

@test "/dev/kvm is missing" {
	spec /bin/busybox true
	fails 125 KVM_MISSING "cannot open /dev/kvm" with_dev : "$KVSHIM" run spec.json
	assert_two_lines
	grep -q modprobe err
}

@test "/dev/kvm is something else" {
	spec /bin/busybox true
	fails 125 KVM "" with_dev 'touch dev/kvm' "$KVSHIM" run spec.json || grep -q KVM_ err
	assert_two_lines
}

@test "/dev/kvm belongs to others" {
	need_kvm
	command -v setpriv >/dev/null || skip "tools: there is no setpriv"
	[ "$(id -u)" -eq 0 ] || skip "root: cannot become somebody else"
	spec /bin/busybox true
	mkdir program
	cp "$KVSHIM" "${KVSHIM%/*}/kvshim-vmm" program
	chmod -R a+rX "$BATS_TEST_TMPDIR"
	# The directories above may be closed to everybody else: take a copy to where they are not.
	mkdir -p "$BATS_FILE_TMPDIR/x"
	open=$(mktemp -d /tmp/kvs-cli-XXXXXX)
	cp -r program root spec.json "$open"
	chmod -R a+rX "$open"
	cat >inner.sh <<-'END'
		mount -t tmpfs tmpfs "$1/program/../etc" 2>/dev/null
		touch /run/kvs-kvm.$$
		mknod "$2" c 10 232 && chmod 600 "$2" && mount --bind "$2" /dev/kvm && rm -f /run/kvs-kvm.$$ || exit 99
		cd "$1" && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$1/program/kvshim" run spec.json
	END
	status=0
	unshare -m sh inner.sh "$open" "$open/node" >out 2>err </dev/null || status=$?
	rm -rf "$open"
	cat err
	[ "$status" -eq 125 ]
	grep -F '[KVM_DENIED]' err
	assert_two_lines
	grep -q group err
}

@test "doctor says what is wrong, and fails" {
	status=0
	with_dev : "$KVSHIM" doctor >out 2>err || status=$?
	[ "$status" -eq 125 ]
	grep -q 'cannot run payloads yet' out
	assert_two_lines
}

@test "kvshim-vmm is missing" {
	need_kvm
	mkdir alone
	cp "$KVSHIM" alone
	spec /bin/busybox true
	[ ! -e /usr/local/libexec/kvshim/kvshim-vmm ] || skip "installed: another kvshim-vmm is on this machine"
	fails 125 HOST "kvshim-vmm" alone/kvshim run spec.json
}

@test "few descriptors, little stack, no core" {
	need_kvm
	spec /bin/busybox echo fine
	[ "$(ulimit -n 40; "$KVSHIM" run spec.json)" = fine ]
	[ "$(ulimit -s 256; "$KVSHIM" run spec.json)" = fine ]
}

@test "a core dump is never made" {
	need_kvm
	ulimit -c unlimited 2>/dev/null || skip "tools: no core dumps here"
	status=0
	program abort_now 2>err || status=$?
	[ "$status" -eq 134 ]
	! ls core* 2>/dev/null
}

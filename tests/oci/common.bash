# What the tests of the real engines share. Each file has its own engine state and stops what it started.

# A root file system with static programs nobody here wrote, as an image to import.
make_image() {
	mkdir -p "$BATS_FILE_TMPDIR/image/bin"
	cp "$(command -v busybox)" "$BATS_FILE_TMPDIR/image/bin/"
	tar -C "$BATS_FILE_TMPDIR/image" -cf "$BATS_FILE_TMPDIR/image.tar" .
}

need() {
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || skip "kvm: /dev/kvm cannot be opened"
	[ "$(id -u)" -eq 0 ] || skip "root: the engines need it here"
	for tool; do
		command -v "$tool" >/dev/null || skip "tools: $tool is not installed"
	done
}

# until_true COMMAND...   wait for it, ten seconds at most
until_true() {
	for _ in $(seq 100); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	echo "never came true: $*" >&2
	return 1
}

# Stop a daemon this file started, by its pid, and wait for it to be gone.
stop_daemon() {
	local pid
	pid=$(cat "$1" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || return 0
	for _ in $(seq 100); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	kill -9 "$pid"
}

#!/bin/sh
# Runs the vm tests against a KVM this machine does not have: boots Debian's kernel in an emulator that offers AMD's or
# Intel's virtualisation and runs the tests in there.
#
#   tests/lanes/run.sh svm|vmx BUILD_DIR
#
#   svm   QEMU without acceleration, kvm-amd with nested paging
#   vmx   Bochs as a Skylake-X, kvm-intel with EPT
#
# TAP goes to stdout, progress to stderr, everything else to BUILD_DIR/lanes/LANE/. The exit status is 0 only if the guest
# ran to its end, powered off, and every test passed.
#
# KVSHIM_LANE_TIMEOUT   seconds for the emulator, 600 unless set
# KVSHIM_LANE_ARGS      more arguments for the guest's kernel. In vmx, clearcpuid=321,323 (xsavec, xsaves) makes up for a wrong
#                       size in Bochs' CPUID, for which Linux otherwise turns all of XSAVE off: with it, guests have AVX
# KVSHIM_REQUIRE        handed to the tests; "kvm" is always required in a lane
#
# The test results come over the guest's second serial port, as data (see init). The console is kept for people to read.

set -eu

die() {
	printf 'lane %s: %s\n' "$lane" "$*" >&2
	exit 1
}

# ---- progress -----------------------------------------------------------------------------------------------------------

said=
say() {
	[ "$1" != "$said" ] || return 0
	said=$1
	printf 'lane %s: %s\n' "$lane" "$1" >&2
}

# ---- kernel -------------------------------------------------------------------------------------------------------------

# Debian's kernel is downloaded and unpacked, never installed: this needs no root. The cached copy has no version in its
# name, so that a later run finds it without asking the network. Remove the directory to get a newer one.
get_kernel() {
	kernel=$cache/kernel
	[ -e "$kernel/package" ] && return
	say 'downloading the kernel'
	work=$cache/kernel.new
	rm -rf "$work"
	mkdir -p "$work/deb" "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/modules"
	download_kernel >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die 'cannot download the package linux-image-cloud-amd64'
	}
	dpkg-deb -x "$work"/deb/*.deb "$work/root"
	cp "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
	find "$work/root" \( -name 'irqbypass.ko*' -o -name 'kvm*.ko*' \) -exec cp {} "$work/modules" \;
	# Later kernels come with compressed modules, and the guest's insmod reads plain ones.
	find "$work/modules" -name '*.xz' -exec xz -d {} +
	basename "$work"/deb/*.deb >"$work/package"
	rm -rf "$work/deb" "$work/root" "$work/apt" "$kernel"
	mv "$work" "$kernel"
}

# With the package lists the system has, or else with fresh ones of our own: the system's may be missing or out of date.
download_kernel() (
	cd "$work/deb"
	fetch_image || {
		set -- -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o APT::Sandbox::User=root
		apt-get "$@" update && fetch_image "$@"
	}
)

fetch_image() {
	image=$(apt-cache "$@" depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
	[ -n "$image" ] || return 1
	apt-get "$@" -o APT::Sandbox::User=root download "$image"
}

# ---- the guest's files --------------------------------------------------------------------------------------------------

make_initrd() {
	root=$out/root
	rm -rf "$root"
	for dir in bin dev etc kvshim/tests/payloads modules newroot proc root run sys tmp; do
		mkdir -p "$root/$dir"
	done
	cp "$here/init" "$root/init"
	chmod 755 "$root/init"
	cp /bin/busybox "$root/bin/busybox"
	cp "$kernel/modules"/*.ko "$root/modules"
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	copy_project
	(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$out/initrd.cpio"
	zstd -q -f -3 "$out/initrd.cpio" -o "$out/initrd"
	rm -rf "$root" "$out/initrd.cpio"
}

copy_project() {
	for file in kvshim kvshim-vmm tests/vm-tests; do
		[ -x "$build/$file" ] || die "$build/$file is missing: build the project first"
		cp "$build/$file" "$root/kvshim/$file"
		copy_libraries "$build/$file"
	done
	# Only the files themselves: meson keeps its object files in directories beside them.
	find "$build/tests/payloads" -maxdepth 1 -type f -exec cp {} "$root/kvshim/tests/payloads" \;
}

# ldd fails on a static program, which needs none.
copy_libraries() {
	{ ldd "$1" 2>/dev/null || :; } | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$root$library" ] && continue
		mkdir -p "$root${library%/*}"
		cp -L "$library" "$root$library"
	done
}

# ---- the two machines ---------------------------------------------------------------------------------------------------

prepare_svm() { :; }

boot_svm() {
	exec qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1024 -smp 1 -nodefaults -no-user-config -no-reboot \
		-display none -monitor none -serial "file:$console" -serial "file:$results" \
		-kernel "$kernel/vmlinuz" -initrd "$out/initrd" -append "$(kernel_arguments)"
}

# Bochs boots from an image of a CD only.
prepare_vmx() {
	iso=$out/iso
	rm -rf "$iso"
	mkdir -p "$iso/boot/grub"
	cp "$kernel/vmlinuz" "$out/initrd" "$iso/boot"
	cat >"$iso/boot/grub/grub.cfg" <<-END
		linux /boot/vmlinuz $(kernel_arguments) tsc=reliable no_timer_check nokaslr mitigations=off lpj=1000000
		initrd /boot/initrd
		boot
	END
	grub-mkrescue -o "$out/lane.iso" "$iso" >"$out/grub-mkrescue.log" 2>&1 || die "no ISO: see $out/grub-mkrescue.log"
	rm -rf "$iso"
	cat >"$out/bochsrc" <<-END
		cpu: model=corei7_skylake_x, count=1, ips=100000000, reset_on_triple_fault=0
		memory: guest=1024, host=1024
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/vgabios/vgabios.bin
		ata0-master: type=cdrom, path=$out/lane.iso, status=inserted
		boot: cdrom
		display_library: term
		com1: enabled=1, mode=file, dev=$console
		com2: enabled=1, mode=file, dev=$results
		clock: sync=none
		log: $out/bochs.log
	END
	# Debian's Bochs stops in its debugger first: "c" goes on.
	echo c >"$out/bochs.rc"
}

# The "term" display wants a terminal, which script(1) makes. The shell inside becomes Bochs, and leaves its pid to us: ending
# script alone might leave Bochs running.
boot_vmx() {
	export out
	# shellcheck disable=SC2016 # the inner shell expands these
	TERM=vt100 exec script -qfc 'echo $$ >"$out/emulator.pid"; exec bochs -q -f "$out/bochsrc" -rc "$out/bochs.rc"' \
		/dev/null </dev/null >"$out/screen.log" 2>&1
}

# What follows KEY=VALUE without a dot becomes the environment of init. An oops counts as a panic, and a panic ends QEMU.
kernel_arguments() {
	require=$(printf '%s' "${KVSHIM_REQUIRE-}" | tr -cd 'A-Za-z0-9_,-')
	printf 'console=ttyS0,115200 loglevel=5 panic=-1 oops=panic KVSHIM_LANE=%s KVSHIM_REQUIRE=%s %s' \
		"$lane" "$require" "${KVSHIM_LANE_ARGS-}"
}

# ---- running ------------------------------------------------------------------------------------------------------------

emulator_pids() {
	echo "$emulator"
	cat "$out/emulator.pid" 2>/dev/null || :
}

alive() {
	kill -0 "$emulator" 2>/dev/null
}

end_emulator() {
	[ -n "$emulator" ] || return 0
	for signal in TERM KILL; do
		alive || break
		for pid in $(emulator_pids); do
			kill -s "$signal" "$pid" 2>/dev/null || :
		done
		tries=0
		while alive && [ "$tries" -lt 20 ]; do
			sleep 0.1
			tries=$((tries + 1))
		done
	done
}

interrupted() {
	end_emulator
	say 'interrupted'
	exit 130
}

# Sets "verdict" to why the run is no good, or leaves it empty.
watch_emulator() {
	verdict=
	end=$(($(date +%s) + limit))
	while alive; do
		sleep 0.2
		report_progress
		if [ "$(date +%s)" -ge "$end" ]; then
			verdict="the emulator was still running after $limit s"
		elif grep -qs '^\[.*Kernel panic' "$console"; then
			verdict='the guest kernel panicked'      # Bochs would boot again, for ever
			sleep 1
		fi
		[ -z "$verdict" ] || { end_emulator; return; }
	done
	wait "$emulator" || verdict="the emulator ended with status $?"
}

report_progress() {
	if ! grep -qs '^# lane: start' "$results"; then
		say booting
	else
		say "$(grep -Ec '^(not )?ok ' "$results") tests done"
	fi
}

# Prints the guest's TAP with our own two lines taken off, and says on a line of TAP when there is more to be sorry for.
print_results() {
	sed '/^# lane: /d; /^$/d' "$results" 2>/dev/null || :
	[ -z "$verdict" ] || printf '\nBail out! %s\n' "$verdict"
}

judge() {
	status=$(sed -n 's/^# lane: end \([0-9]*\)$/\1/p' "$results" 2>/dev/null | tail -n 1)
	if ! grep -qs '^# lane: start' "$results"; then
		verdict="${verdict:-the guest ended} before the tests began"
	elif [ -z "$status" ] && [ -z "$verdict" ]; then
		verdict='the guest ended in the middle of the tests'
	fi
	print_results >"$out/results.tap"
	awk -v "status=$status" -f "$here/tap.awk" "$out/results.tap" >"$out/results.tsv"
	cat "$out/results.tap"
	report_verdict
}

report_verdict() {
	took=$(($(date +%s) - began))
	bad=$(grep -c '^fail' "$out/results.tsv" || :)
	say "$(grep -c '^pass' "$out/results.tsv" || :) passed, $bad failed, $(grep -c '^skip' "$out/results.tsv" || :) skipped in $took s"
	sed -n 's/^# lane: left behind: /the tests left a process behind: /p' "$results" >&2
	[ "$bad" -ne 0 ] || return 0
	sed -n 's/^fail\t\([^\t]*\)\t*/failed: \1: /p' "$out/results.tsv" >&2
	die "console log: $console"
}

# -------------------------------------------------------------------------------------------------------------------------

lane=${1-}
case $lane in
svm | vmx) ;;
*)
	echo 'usage: run.sh svm|vmx BUILD_DIR' >&2
	exit 2
	;;
esac
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${2:?usage: run.sh svm|vmx BUILD_DIR}" && pwd)
cache=$build/cache
out=$build/lanes/$lane
console=$out/console.log
results=$out/results
limit=${KVSHIM_LANE_TIMEOUT:-600}
began=$(date +%s)
emulator=

trap interrupted INT TERM HUP
mkdir -p "$cache" "$out"
get_kernel
rm -f "$console" "$results" "$out/emulator.pid"
make_initrd
"prepare_$lane"
"boot_$lane" &
emulator=$!
watch_emulator
judge

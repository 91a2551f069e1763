#!/usr/bin/env bats
# The command line: what it takes, what it says, how it exits.

load common

@test "no verb is an error, and says what there is" {
	fails 125 USAGE 'no verb given' "$KVSHIM"
	grep -q '^usage: kvshim' err
}

@test "an unknown verb, option, argument" {
	fails 125 USAGE "unknown verb 'rum'" "$KVSHIM" rum
	assert_two_lines
	fails 125 USAGE "unknown option '--foo'" "$KVSHIM" --foo run
	fails 125 USAGE "bad option '--foo'" "$KVSHIM" run --foo
	fails 125 USAGE "spec takes no arguments" "$KVSHIM" spec x
	fails 125 USAGE "features: unknown argument 'x'" "$KVSHIM" features x
	fails 125 USAGE "doctor takes no arguments" "$KVSHIM" doctor x
	fails 125 USAGE "too many arguments" "$KVSHIM" run a b c
}

@test "--help names every verb, --version the version" {
	run "$KVSHIM" --help
	[ "$status" -eq 0 ]
	for verb in run spec features doctor; do
		[[ $output == *"  $verb "* ]]
	done
	run "$KVSHIM" -h
	[ "$status" -eq 0 ]
	run "$KVSHIM" --version
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^kvshim\ version\ [0-9]+\.[0-9]+\.[0-9]+ ]]
	[[ ${lines[1]} == "spec: 1."* ]]
}

@test "features is JSON that names the mandatory facts" {
	"$KVSHIM" features >features.json
	jq -e '.ociVersionMin and .ociVersionMax' features.json
	"$KVSHIM" features --fields | grep -q process.args
}

@test "spec writes a spec that runs" {
	need_kvm
	"$KVSHIM" spec >s.json
	jq -e .process.args s.json
	jq '.root.path = "root" | .process.args = ["/bin/busybox", "echo", "from a template"]' s.json >spec.json
	run "$KVSHIM" run spec.json
	[ "$status" -eq 0 ]
	[ "$output" = 'from a template' ]
}

@test "doctor finds a machine fit, and leaves no file" {
	need_kvm
	TMPDIR=$BATS_TEST_TMPDIR run "$KVSHIM" doctor
	[ "$status" -eq 0 ]
	[[ $output == *"This machine can run payloads."* ]]
}

@test "a bundle directory, --bundle, and config.json of the working directory" {
	need_kvm
	spec /bin/busybox echo bundled
	mv spec.json config.json
	[ "$("$KVSHIM" run .)" = bundled ]
	[ "$("$KVSHIM" run --bundle "$PWD")" = bundled ]
	[ "$("$KVSHIM" run --bundle="$PWD" some-id)" = bundled ]
	[ "$("$KVSHIM" run)" = bundled ]
	cd /
	[ "$("$KVSHIM" run "$BATS_TEST_TMPDIR/config.json")" = bundled ]
	[ "$("$KVSHIM" run "$BATS_TEST_TMPDIR")" = bundled ]
}

@test "125: the spec is missing, no file, too large, no JSON, wrong" {
	fails 125 SPEC_MISSING "cannot open spec './none.json'" "$KVSHIM" run none.json
	assert_two_lines
	mkdir empty
	fails 125 SPEC_MISSING "config.json" "$KVSHIM" run empty
	: >spec.json
	fails 125 SPEC_SYNTAX "" "$KVSHIM" run spec.json
	head -c 1100000 /dev/zero | tr '\0' ' ' >spec.json
	fails 125 SPEC_SYNTAX "over 1 MiB" "$KVSHIM" run spec.json
	echo '{ "ociVersion": "1.2.0", "process": { "arsg": ["x"] }, "root": { "path": "root" } }' >spec.json
	fails 125 SPEC_FIELD "/process/arsg" "$KVSHIM" run spec.json
	grep -F 'did you mean "args"' err
}

@test "125: the root is missing, or no directory" {
	spec /bin/busybox true
	sed -i 's/"path": "root"/"path": "nowhere"/' spec.json
	fails 125 ROOT_MISSING "/root/path: cannot open the root directory 'nowhere'" "$KVSHIM" run spec.json
	assert_two_lines
	: >nowhere
	fails 125 ROOT_MISSING "nowhere" "$KVSHIM" run spec.json
}

@test "--strict refuses what would be ignored" {
	spec /bin/busybox true
	jq '.process.noNewPrivileges = true' spec.json >strict.json
	fails 125 SPEC_REFUSED "/process/noNewPrivileges" "$KVSHIM" run --strict strict.json
}

@test "--debug names what is ignored, and what is not served" {
	need_kvm
	spec /bin/busybox sleep 0
	jq '.process.noNewPrivileges = true' spec.json >loud.json
	"$KVSHIM" --debug run loud.json 2>err
	grep -F '/process/noNewPrivileges' err
}

@test "127: the payload is not there" {
	need_kvm
	fails 127 PAYLOAD_MISSING "/process/args/0: cannot open payload '/bin/none'" payload /bin/none
	assert_two_lines
	fails 127 PAYLOAD_MISSING "executable file not found in \$PATH: 'none'" payload none
	fails 127 PAYLOAD_MISSING "/bin/busybox/x" payload /bin/busybox/x
}

@test "126: the payload cannot be run" {
	need_kvm
	cp root/bin/busybox root/bin/plain
	chmod 644 root/bin/plain
	fails 126 PAYLOAD_DENIED "/bin/plain" payload /bin/plain
	assert_two_lines
	fails 126 PAYLOAD_DENIED "/bin" payload /bin
	mkfifo root/bin/fifo
	chmod 755 root/bin/fifo
	fails 126 PAYLOAD_DENIED "/bin/fifo" payload /bin/fifo
}

@test "the payload is looked up inside the root" {
	need_kvm
	ln -s /bin/busybox root/bin/absolute
	ln -s ../../../../../../bin/busybox root/bin/upwards
	[ "$(payload /bin/absolute echo yes)" = yes ] || [ "$(busybox_in echo yes)" = yes ]
	mv root/bin/busybox root/bin/moved
	fails 127 PAYLOAD_MISSING "/bin/absolute" payload /bin/absolute
	fails 127 PAYLOAD_MISSING "/bin/upwards" payload /bin/upwards
	fails 127 PAYLOAD_MISSING "" payload /../../../../../bin/true
}

@test "126: more memory than there is room for" {
	need_kvm
	annotations=',"org.kvshim.memory":"1M"'
	fails 126 PAYLOAD_MEMORY "memory" payload /bin/busybox echo
	assert_two_lines
}

@test "exit codes 0 to 255 are the payload's own" {
	need_kvm
	for code in 0 1 2 77 124 125 126 127 128 200 254 255; do
		status=0
		busybox_in sh -c "exit $code" 2>err || status=$?
		[ "$status" -eq "$code" ]
		[ ! -s err ]
	done
}

@test "both outputs stay apart, and in order" {
	need_kvm
	program print_all >out 2>err
	[ "$(cat out)" = 'to stdout' ]
	[ "$(cat err)" = 'to stderr' ]
	abi=bare payload /bin/bare-hello >out
	[ "$(cat out)" = 'hello from a bare machine' ]
}

@test "a working directory that is not there is the spec's error" {
	need_kvm
	spec /bin/busybox true
	sed -i 's|"process": {|"process": { "cwd": "/nope",|' spec.json
	fails 125 SPEC_FIELD "/process/cwd: cannot use the working directory '/nope': no such file or directory" "$KVSHIM" run spec.json
}

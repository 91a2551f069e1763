# Reads a TAP stream, writes one line for each test:  pass|fail|skip <TAB> name <TAB> reason
#
#   awk -v status=EXIT -f tap.awk <stream
#
# status is how the program that wrote the stream ended. A stream that has no plan, stops short of its plan, bails out,
# or whose program ended badly without a failed test to show for it, yields a "fail" line of its own: no news is bad news.
#
# More lenient than TAP in three points, for cmocka's sake: it prints one plan for each group, so several plans follow one
# another in a stream; it writes a skipped test as "not ok N # SKIP name"; and a test says why it skips on a line
# "# skip: reason" before it.

function put(verdict, name, reason) {
	gsub(/\t/, " ", name)
	gsub(/\t/, " ", reason)
	printf "%s\t%s\t%s\n", verdict, name, reason
	if (verdict == "fail")
		failed++
}

# A failed test is held back until its diagnostic lines have passed.
function flush_failure() {
	if (holding)
		put("fail", held_name, held_reason)
	holding = 0
}

function end_group() {
	flush_failure()
	if (planned >= 0 && done_in_group != planned && !bailed)
		put("fail", "(stream)", "it stopped after test " done_in_group " of " planned last_seen() exit_status())
	planned = -1
	done_in_group = 0
}

function last_seen() {
	return last_name == "" ? "" : ", the last one was \"" last_name "\""
}

function exit_status() {
	return status != "" && status != 0 ? ", exit status " status : ""
}

function begin_group(n) {
	if (planned >= 0)
		end_group()
	plans++
	planned = n
	# A plan may also stand after its tests.
	if (done_in_group > 0 && done_in_group == planned) {
		planned = -1
		done_in_group = 0
	}
}

function take_result(line,    ok, rest, name, reason, at) {
	flush_failure()
	ok = line !~ /^not /
	rest = line
	sub(/^(not )?ok/, "", rest)
	if (rest ~ /^ 0 /)      # how cmocka reports a group's own setup or teardown: no test of the plan
		done_in_group--
	sub(/^ +[0-9]+/, "", rest)
	sub(/^ *-? */, "", rest)
	done_in_group++

	at = directive_at(rest)
	name = at ? substr(rest, 1, at - 1) : rest
	reason = ""
	if (at) {
		reason = substr(rest, at)
		sub(/^# *[A-Za-z]+:? */, "", reason)
		if (name == "") {
			name = reason
			reason = ""
		}
	}
	sub(/ +$/, "", name)
	last_name = name
	if (at) {
		put("skip", name, reason != "" ? reason : announced)
	} else if (ok) {
		put("pass", name, "")
	} else {
		holding = 1
		held_name = name
		held_reason = ""
	}
	announced = ""
}

# Where the last "# skip" or "# todo" of a line begins, or 0.
function directive_at(text,    lower, at, from, found) {
	lower = tolower(text)
	from = 1
	found = 0
	while (match(substr(lower, from), /# *(skip|todo)/)) {
		at = from + RSTART - 1
		found = at
		from = at + RLENGTH
	}
	return found
}

BEGIN {
	planned = -1
	done_in_group = plans = failed = holding = bailed = 0
	last_name = announced = ""
}

{ sub(/\r$/, "") }

/^1\.\.[0-9]+/ {
	n = $0
	sub(/^1\.\./, "", n)
	sub(/[^0-9].*$/, "", n)
	begin_group(n + 0)
	if (n + 0 == 0 && tolower($0) ~ /skip/) {
		reason = $0
		sub(/^[^#]*# *[A-Za-z]+:? */, "", reason)
		put("skip", "(everything)", reason)
	}
	next
}

/^(not )?ok( |$)/ { take_result($0); next }

/^Bail out!/ {
	flush_failure()
	bailed = 1
	reason = $0
	sub(/^Bail out! */, "", reason)
	put("fail", "(stream)", reason)
	next
}

/^#? *skip: / {
	announced = $0
	sub(/^#? *skip: */, "", announced)
	next
}

/^# (not )?ok - / { next }                      # cmocka's summary of a group

/^#/ {
	if (holding && held_reason == "") {
		held_reason = $0
		sub(/^# */, "", held_reason)
	} else if (holding && $0 ~ /: error:/) {        # where cmocka's assertion stands
		extra = $0
		sub(/^# */, "", extra)
		held_reason = held_reason " (" extra ")"
	}
}

END {
	end_group()
	if (plans == 0 && !bailed)
		put("fail", "(stream)", "there is no test plan in it")
	if (status != "" && status != 0 && failed == 0)
		put("fail", "(stream)", "the program ended with status " status)
}

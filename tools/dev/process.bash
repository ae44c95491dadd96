# shellcheck shell=bash
# Whether a process is there, and its end, for scripts that stop what they started; sourced.

# runs PID: not one that has ended and was not waited for yet. The first thread of several is a zombie while the others are still ending and
# hold the files and locks of all.
runs() {
	local stat fields # proc(5): the state comes behind the name in brackets, the number of threads is 17 fields on
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	read -ra fields <<<"${stat##*) }"
	[[ ${fields[0]} != Z || ${fields[17]} -gt 1 ]]
}

# kill_now PID: SIGKILL, and it has ended; five seconds are waited at most.
kill_now() {
	local tries
	kill -9 "$1" 2>/dev/null || return 0
	for (( tries = 0; tries < 250; tries++ )); do
		runs "$1" || return 0
		sleep 0.02
	done
}

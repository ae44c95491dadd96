# Waiting for what happens, not for time to pass.

# wait_until SECONDS COMMAND…: until it succeeds. SECONDS is what a machine with little else to do needs at most; one that is busy, or whose
# disk stands still for a moment, gets three times that.
wait_until() {
	local until=$(( SECONDS + 3 * $1 )); shift
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || { echo "waited in vain for: $*" >&2; return 1; }
		sleep 0.02
	done
}

# The transition table of firmware/core/bays.c as a Mermaid diagram.
function lower(text) { sub(/^(BAY|EVENT)_/, "", text); return tolower(text) }
BEGIN { print "```mermaid\nstateDiagram-v2\n    [*] --> off" }
/^\t\[BAY_[A-Z]+\] = \{/ { match($0, /BAY_[A-Z]+/); from = lower(substr($0, RSTART, RLENGTH)) }
{
	rest = $0
	while (from != "" && match(rest, /\[EVENT_[A-Z]+\] = TO\(BAY_[A-Z]+\)/)) {
		split(substr(rest, RSTART + 1, RLENGTH - 2), word, /\] = TO\(/)
		rest = substr(rest, RSTART + RLENGTH)
		printf "    %s --> %s: %s\n", from, lower(word[2]), lower(word[1])
		rows++
	}
}
/^\};/ { from = "" }
END { print "```"; exit !rows }

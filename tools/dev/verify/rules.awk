# A list of rules becomes a script for sqlite3: for each rule `R name`, `C what was looked at`, and `P problem` for each row.
#   -- :name [finished]        finished: only of a run that has come to its end
#   -- of  EXPRESSION          what was looked at, in words
#   SELECT … AS problem …;
BEGIN { q = "\047" }
/^-- :/ {
	skip = ($3 == "finished" && unfinished)
	if (!skip) print ".print R " substr($2, 2)
	next
}
skip { next }
/^-- of / { sub(/^-- of +/, ""); print "SELECT " q "C " q " || (" $0 ");"; next }
/^--/ || /^[ \t]*$/ { next }
{
	body = body $0 "\n"
	if ($0 ~ /;[ \t]*$/) {
		sub(/;[ \t]*\n$/, "", body)
		print "SELECT " q "P " q " || replace(problem, char(10), " q " " q ") FROM (" body ");"
		body = ""
	}
}

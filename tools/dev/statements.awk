# Turns a list of SQL statements into a C header: one enum and one list of rows, so that every statement stands once, in SQL.
#
#   awk -v name=queue -f tools/dev/statements.awk schemas/sql/queue.sql > build/gen/queue_sql.h
#
# Input: `-- :NAME  by CALLER  ROLE`, then comment lines if any, then one statement that ends with `;`.
#   NAME    lower case, unique; becomes <NAME OF THE LIST>_<name>
#   CALLER  the file that uses it, one or several separated by commas without a space
#   ROLE    read (SELECT or WITH) or write (everything else)
# Anything else is refused with its line: a list that lies is worse than none.

function refuse(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what > "/dev/stderr"
	failed = 1
	exit 1
}

function finish_statement(    verb, reads) {
	verb = toupper(sql[1])
	sub(/[^A-Z].*/, "", verb)
	reads = verb == "SELECT" || verb == "WITH"
	if (role[count] == "read" && !reads || role[count] == "write" && reads)
		refuse(names[count] ": role " role[count] " does not fit " verb)
	for (i = 1; i <= lines; i++)
		text[count] = text[count] sprintf(" \\\n\t  \"%s\"", sql[i] (i < lines ? " " : ""))
	open = lines = 0
}

/^-- :/ {
	if (open)
		refuse("the statement before has no end: add `;`")
	if (NF != 5 || $3 != "by" || $5 !~ /^(read|write)$/ || $2 !~ /^:[a-z][a-z0-9_]*$/)
		refuse("expected `-- :name  by caller  read|write`")
	names[++count] = substr($2, 2)
	if (seen[names[count]]++)
		refuse(names[count] " stands twice")
	caller[count] = $4
	role[count] = $5
	open = 1
	next
}
/^[ \t]*(--.*)?$/ { next }
{
	if (!open)
		refuse("a statement without its `-- :name` line")
	line = $0
	sub(/[ \t]+--.*$/, "", line)
	gsub(/^[ \t]+|[ \t]+$/, "", line)
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	last = line ~ /;$/
	sub(/;$/, "", line)
	sql[++lines] = line
	if (last)
		finish_statement()
}
END {
	if (!failed && open)
		refuse("the last statement has no end: add `;`")
	if (failed)
		exit 1
	upper = toupper(name)
	printf "/* Made by tools/dev/statements.awk from %s. */\n", FILENAME
	printf "#ifndef MINT_GEN_%s_SQL_H\n#define MINT_GEN_%s_SQL_H\n\n", upper, upper
	printf "enum %s_statement {\n", name
	for (i = 1; i <= count; i++)
		printf "\t%s_%s,\n", upper, names[i]
	printf "\t%s_STATEMENT_COUNT\n};\n\n", upper
	printf "/* ROW(name, caller, writes, sql) for each: the one who prepares them makes its table of it. */\n"
	printf "#define %s_STATEMENTS(ROW)", upper
	for (i = 1; i <= count; i++)
		printf " \\\n\tROW(%s, \"%s\", %d,%s)", names[i], caller[i], role[i] == "write", text[i]
	printf "\n\n#endif\n"
}

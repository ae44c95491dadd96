# Turns the numbered migrations into a C table, so that the program and the database it can make are one file.
#
#   awk -f tools/dev/migrations.awk schemas/sql/0001_record.sql … > build/gen/migrations.h
#
# The files must be numbered 1, 2, 3 … without a gap. Comments stay in: `sqlite3 mint.db .schema` shows them.

FNR == 1 {
	part = FILENAME
	sub(/.*\//, "", part)
	if (part + 0 != ++count) {
		printf "%s: expected number %04d\n", FILENAME, count > "/dev/stderr"
		failed = 1
		exit 1
	}
	sub(/\.sql$/, "", part)
	names[count] = part
}
{
	line = $0
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	sub(/^\t+/, "", line)
	text[count] = text[count] " \\\n\t  \"" line "\\n\""
}
END {
	if (failed)
		exit 1
	printf "/* Made by tools/dev/migrations.awk from schemas/sql. */\n"
	printf "#ifndef MINT_GEN_MIGRATIONS_H\n#define MINT_GEN_MIGRATIONS_H\n\n"
	printf "enum { MIGRATION_COUNT = %d };\n\n", count
	printf "/* ROW(name, sql) for each, in their order. */\n#define MIGRATIONS(ROW)"
	for (i = 1; i <= count; i++)
		printf " \\\n\tROW(\"%s\",%s)", names[i], text[i]
	printf "\n\n#endif\n"
}

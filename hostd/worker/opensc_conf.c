#include "hostd/worker/opensc_conf.h"
#include "hostd/base/log.h"
#include "hostd/worker/card.h"
#include "schemas/errors.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 16 /* of Debian's pcscd */, PLACE_LENGTH = 6 };

/* 0 when every other reader can be hidden without hiding ours. */
static int
check(const char *reader, const char *names)
{
	int found = 0;

	for (const char *name = names; *name; name += strlen(name) + 1) {
		if (strpbrk(name, "\"\\\n")) {
			log_error("reader \"%s\": a name with a quotation mark cannot be written into opensc.conf", name);
			return MINT_READER;
		}
		if (strcmp(name, reader) == 0) {
			found = 1;
		} else if (strstr(reader, name)) {
			log_error("reader \"%s\": cannot be told from \"%s\": plug one of them in elsewhere", reader, name);
			return MINT_READER;
		}
	}
	return found ? 0 : MINT_READER;
}

/* pcsc-lite ends every name in " II SS", the reader's place among all and its slot, in hexadecimal. */
static bool
has_place(const char *reader)
{
	size_t length = strlen(reader);
	const char *end = length > PLACE_LENGTH ? reader + length - PLACE_LENGTH : "";

	return end[0] == ' ' && isxdigit((unsigned char)end[1]) && isxdigit((unsigned char)end[2]) && end[3] == ' ' &&
	       isxdigit((unsigned char)end[4]) && isxdigit((unsigned char)end[5]);
}

/* A token with a reader of its own may come while this worker starts: every other place is hidden before anything is there. */
static void
put_places(FILE *out, const char *reader, const char *before)
{
	char place[PLACE_LENGTH + 1];

	for (unsigned number = 0; number < PLACES; number++) {
		snprintf(place, sizeof place, " %02X 0", number); /* whatever slot */
		if (!strstr(reader, place)) {
			fprintf(out, "%s\"%s\"", before, place);
			before = ", ";
		}
	}
}

static void
put_ignored(FILE *out, const char *reader, const char *names)
{
	const char *before = "\tignored_readers = ";

	for (const char *name = names; *name; name += strlen(name) + 1)
		if (strcmp(name, reader) != 0) {
			fprintf(out, "%s\"%s\"", before, name);
			before = ", ";
		}
	if (has_place(reader)) {
		put_places(out, reader, before);
		before = ", ";
	}
	if (before[0] == ',')
		fputs(";\n", out);
}

int
opensc_conf_text(const char *reader, const char *names, const struct opensc_choice *choice, char **text)
{
	size_t size;
	FILE *out;
	int r = check(reader, names);

	*text = NULL;
	if (r != 0)
		return r;
	out = open_memstream(text, &size);
	if (!out)
		return MINT_MEMORY;
	/* Blanks around every `=`: without them OpenSC ignores the line and says nothing. */
	fputs("app default {\n\tdebug = 0;\n", out);
	put_ignored(out, reader, names);
	if (choice && choice->driver)
		fprintf(out, "\tcard_drivers = %s;\n", choice->driver);
	if (choice && choice->profiles)
		fprintf(out, "\tprofile_dir = \"%s\";\n", choice->profiles);
	/* Reset when a process lets go: else a PIN that it gave stays verified for the next one. */
	fputs("\treader_driver pcsc {\n\t\tconnect_exclusive = false;\n\t\tdisconnect_action = reset;\n"
	      "\t\ttransaction_end_action = leave;\n\t}\n"
	      "\tframework pkcs15 {\n\t\tuse_file_caching = no;\n\t}\n"
	      "\tpkcs11 {\n\t\tslots_per_card = 1;\n\t\tmax_virtual_slots = 4;\n\t}\n}\n", out);
	return fclose(out) == 0 ? 0 : MINT_MEMORY;
}

static int
write_file(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r = 0;

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		r = MINT_STORAGE;
	if (r != 0)
		log_error("%s: %s: is `work` in the configuration a directory of ours with room in it?", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

int
opensc_conf_write(const char *path, const char *reader, const struct opensc_choice *choice)
{
	char *names = NULL, *text = NULL;
	int r = card_readers(&names);

	if (r == 0)
		r = opensc_conf_text(reader, names, choice, &text);
	if (r == 0)
		r = write_file(path, text);
	if (r == 0 && setenv("OPENSC_CONF", path, 1) != 0)
		r = MINT_MEMORY;
	free(names);
	free(text);
	return r;
}

#include "tools/mintctl/reader.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <winscard.h>

static enum reader_state
state_of(const SCARD_READERSTATE *row)
{
	if (row->dwEventState & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_IGNORE))
		return READER_GONE;
	if (!(row->dwEventState & SCARD_STATE_PRESENT))
		return READER_EMPTY;
	return row->dwEventState & SCARD_STATE_MUTE || row->cbAtr == 0 ? READER_MUTE : READER_CARD;
}

static void
look(SCARDCONTEXT context, struct reader *reader)
{
	SCARD_READERSTATE row = { .szReader = reader->name, .dwCurrentState = SCARD_STATE_UNAWARE };

	if (SCardGetStatusChange(context, 0, &row, 1) != SCARD_S_SUCCESS)
		return;
	reader->state = state_of(&row);
	if (reader->state == READER_CARD && row.cbAtr <= sizeof reader->atr) {
		memcpy(reader->atr, row.rgbAtr, row.cbAtr);
		reader->atr_length = row.cbAtr;
	}
}

/* In the child: a row for each reader. A name that mint-bench does not look at is not here either. */
static void
tell(SCARDCONTEXT context, const char *names, FILE *out)
{
	for (const char *name = names; *name; name += strlen(name) + 1) {
		struct reader reader = { .state = READER_GONE };

		if (strlen(name) > ASSIGN_READER_MAX)
			continue;
		snprintf(reader.name, sizeof reader.name, "%s", name);
		look(context, &reader);
		fwrite(&reader, sizeof reader, 1, out);
	}
}

/* In the child. */
static int
ask(const struct config_pcscd *pcscd, FILE *out)
{
	DWORD length = SCARD_AUTOALLOCATE;
	SCARDCONTEXT context;
	char *names = NULL;

	config_pcscd_choose(pcscd);
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return 1;
	if (SCardListReaders(context, NULL, (LPSTR)(void *)&names, &length) == SCARD_S_SUCCESS)
		tell(context, names, out);
	return fflush(out) != 0;
}

/* Appends what is there to the list, and its name to the names: both grow by one. */
static int
take(struct readers *readers, const struct reader *reader, size_t *names_bytes)
{
	size_t length = strlen(reader->name) + 1;
	struct reader *list = reallocarray(readers->list, readers->count + 1, sizeof *list);
	char *names;

	if (!list)
		return MINT_MEMORY;
	readers->list = list;
	list[readers->count++] = *reader;
	names = realloc(readers->names, *names_bytes + length + 1);
	if (!names)
		return MINT_MEMORY;
	readers->names = names;
	memcpy(names + *names_bytes, reader->name, length);
	*names_bytes += length;
	names[*names_bytes] = '\0';
	return 0;
}

static int
take_all(struct readers *readers, FILE *in)
{
	size_t names_bytes = 0;
	struct reader reader;
	int r = 0;

	readers->names = calloc(1, 2);
	if (!readers->names)
		return MINT_MEMORY;
	while (r == 0 && fread(&reader, sizeof reader, 1, in) == 1)
		r = take(readers, &reader, &names_bytes);
	return r;
}

/* The child's end of the pipe; it never returns. */
static void
become_asker(const struct config_pcscd *pcscd, int fd)
{
	FILE *out = fdopen(fd, "w");

	_exit(out ? ask(pcscd, out) : 1);
}

int
readers_list(const struct config *config, size_t pcscd, struct readers *readers)
{
	int fds[2], status = -1, r = MINT_SYSTEM;
	FILE *in;
	pid_t pid;

	*readers = (struct readers){ NULL, 0, NULL };
	if (pipe2(fds, O_CLOEXEC) != 0)
		return MINT_SYSTEM;
	pid = fork();
	if (pid == 0)
		become_asker(&config->pcscds[pcscd], fds[1]);
	close(fds[1]);
	in = fdopen(fds[0], "r");
	if (in && pid > 0)
		r = take_all(readers, in);
	if (in)
		fclose(in);
	else
		close(fds[0]);
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status != 0) && r == 0)
		r = MINT_READER;
	if (r != 0)
		readers_free(readers);
	return r;
}

void
readers_free(struct readers *readers)
{
	free(readers->list);
	free(readers->names);
	*readers = (struct readers){ NULL, 0, NULL };
}

const struct reader *
readers_find(const struct readers *readers, const char *name)
{
	for (size_t i = 0; i < readers->count; i++)
		if (strcmp(readers->list[i].name, name) == 0)
			return &readers->list[i];
	return NULL;
}

void
reader_atr_text(const struct reader *reader, char *text)
{
	*text = '\0';
	for (size_t i = 0; i < reader->atr_length; i++)
		text += sprintf(text, "%s%02X", i ? " " : "", reader->atr[i]);
}

#include "tools/mintctl/reader.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A name that mint-bench does not look at is not here either. */
static int
take(SCARDCONTEXT context, struct readers *readers)
{
	size_t count = 0;

	for (const char *name = readers->names; *name; name += strlen(name) + 1)
		count++;
	readers->list = calloc(count ? count : 1, sizeof *readers->list);
	if (!readers->list)
		return MINT_MEMORY;
	for (const char *name = readers->names; *name; name += strlen(name) + 1) {
		struct reader *reader = &readers->list[readers->count];

		if (strlen(name) > ASSIGN_READER_MAX)
			continue;
		snprintf(reader->name, sizeof reader->name, "%s", name);
		look(context, reader);
		readers->count++;
	}
	return 0;
}

/* pcscd's list, "" for none. */
static int
list_names(SCARDCONTEXT context, char **names)
{
	DWORD length = 0;
	LONG r = SCardListReaders(context, NULL, NULL, &length);

	*names = calloc(1, r == SCARD_S_SUCCESS ? length + 2 : 2);
	if (!*names)
		return MINT_MEMORY;
	if (r == SCARD_S_SUCCESS && SCardListReaders(context, NULL, *names, &length) != SCARD_S_SUCCESS)
		**names = '\0'; /* one came in between: the next look has it */
	return 0;
}

int
readers_list(const struct config *config, struct readers *readers)
{
	SCARDCONTEXT context;
	int r;

	*readers = (struct readers){ NULL, 0, NULL };
	if (config->pcscd_socket[0])
		setenv("PCSCLITE_CSOCK_NAME", config->pcscd_socket, 1);
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return MINT_READER;
	r = list_names(context, &readers->names);
	if (r == 0)
		r = take(context, readers);
	SCardReleaseContext(context);
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

/* What a pcscd shows: readers and what is in them. It is asked, never told: no card is connected.
 *
 * libpcsclite keeps to the first pcscd that a process has asked, so each look is a process of its own. */
#ifndef MINTCTL_READER_H
#define MINTCTL_READER_H

#include "hostd/base/assign.h"
#include "hostd/base/model.h"

#include <stddef.h>
#include <stdint.h>

struct config;

enum reader_state { READER_GONE, READER_EMPTY, READER_MUTE /* something that gives no answer to reset */, READER_CARD };

struct reader {
	char              name[ASSIGN_READER_MAX + 1];
	enum reader_state state;
	uint8_t           atr[MODEL_ATR_MAX];
	size_t            atr_length;
};

struct readers {
	struct reader *list;
	size_t         count;
	char          *names; /* each ended by a NUL and the last by two, as assign_readers_by_name wants them */
};

/* Lists the readers of one pcscd of the configuration, its place in config->pcscds. MINT_READER when it does not answer; none is a list
 * of none. Free with readers_free. */
int readers_list(const struct config *config, size_t pcscd, struct readers *readers);
void readers_free(struct readers *readers);

/* NULL when there is none of that name. */
const struct reader *readers_find(const struct readers *readers, const char *name);

/* "3B F5 18": room for 3 * MODEL_ATR_MAX bytes. */
void reader_atr_text(const struct reader *reader, char *text);

#endif

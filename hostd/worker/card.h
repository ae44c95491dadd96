/* The card in a reader, looked at over PC/SC before any PKCS#11 module touches it: which one, blank, half-made or finished.
 *
 * No PIN is given and no try used up. The card is reset when we let go of it, so that nothing that another process left
 * verified stays so (a process that was killed could not log out).
 */
#ifndef MINT_WORKER_CARD_H
#define MINT_WORKER_CARD_H

#include "hostd/base/model.h"

enum card_stage {
	CARD_BLANK,    /* nothing on it */
	CARD_HALF,     /* something on it, initialisation not finished */
	CARD_FINISHED, /* initialised */
	CARD_NOT_SAID  /* the model profile has no way to tell */
};

struct card_look {
	enum card_stage stage;
	char            serial[65]; /* of the hardware, upper-case hex; "" where the profile has no way to read it */
	uint8_t         user_tries; /* tries left, 0: blocked; TRIES_NOT_SAID where they were not asked for or not told */
	uint8_t         so_tries;
};

/* Whether the tries left are asked for too: they cost a command each. */
enum card_depth { CARD_STAGE_ONLY, CARD_WITH_TRIES };

/* Looks. `atr` is what the bay showed (length 0: any): MINT_TOKEN_OTHER when the card answers with another one now. MINT_TOKEN_GONE,
 * MINT_READER, MINT_TOKEN_ERROR (an answer that the profile does not expect). *why (may be NULL) is a static text. */
int card_look(const char *reader, const uint8_t *atr, size_t atr_length, const struct model_probe *probe,
    enum card_depth depth, struct card_look *look, const char **why);

/* Whether the card takes a command, which changes nothing on it: 1, 0 (another status word than 9000), or an error as of card_look. */
int card_takes(const char *reader, const uint8_t *atr, size_t atr_length, const struct model_bytes *command);

/* Sends commands that the model profile gives, in one transaction, behind probe.select; the card's serial number must be `serial` where
 * the probe reads one. 0 when each was answered by 9000; *stage is then what the card says of itself afterwards, CARD_FINISHED or
 * CARD_NOT_SAID. Errors as of card_look; MINT_TOKEN_OTHER, MINT_TOKEN_INIT. */
int card_send(const char *reader, const struct model_probe *probe, const char *serial, const struct model_bytes *apdus, size_t count,
    enum card_stage *stage, const char **why);

/* The names of all readers, each ended by a NUL and the last by two; the caller frees. MINT_READER when pcscd is not there
 * or has none. */
int card_readers(char **names);

#endif

/* One credential on one token, or a token that is keyed ahead: everything the steps need, read from the record at once. */
#ifndef MINT_QUEUE_WORK_H
#define MINT_QUEUE_WORK_H

#include "hostd/queue/states.h"
#include "schemas/messages.h"

struct bay;
struct queue;

enum { KEY_ID_BYTES = 8 };

struct work {
	int64_t    credential, application, use, token; /* no credential and no application: keyed ahead */
	int64_t    key, certificate_id;      /* 0: there is none yet */
	char       name[129];                /* "<reference>-<nn>"; keyed ahead: the token's marker */
	char       reference[129];
	char       key_type[17];
	char       profile[33];
	int64_t    attempt;                  /* tokens tried, this one counted */
	enum state state, parked_from;       /* keyed ahead: the credential's state that has the same steps; STATE_NONE once in stock */
	char       parked_error[33];         /* "" when not parked */
	char       pending[9];               /* "redo", "abandon" or "" */
	enum state token_state;
	int        foreign;                  /* the token came with codes that are not on record */
	char       model[33];
	char       serial[65];               /* of the token */
	char       marker[33];
	char       certificate_state[9];     /* "" when there is none */
	uint8_t    key_id[KEY_ID_BYTES];     /* CKA_ID: the use's number, so that a key found tells whose it is */
	uint8_t    codes[512];
	uint8_t    spki[1024];
	uint8_t    certificate[8192];
	uint32_t   codes_bytes, spki_bytes, certificate_bytes;
};

/* By the use that binds them. MINT_NOT_FOUND, MINT_STORAGE. Wipe with work_wipe. */
int work_load(struct queue *queue, int64_t use, struct work *work);

/* By the credential; MINT_NOT_FOUND while it is on no token. */
int work_of_credential(struct queue *queue, int64_t credential, struct work *work);

/* By what is in the bay; MINT_NOT_FOUND when its token is not in use. */
int work_of_bay(const struct bay *bay, struct work *work);

/* A step has led to `event`: of the credential, or of the token keyed ahead. */
int work_apply(struct queue *queue, const struct work *work, const char *event);

void work_wipe(struct work *work);

#endif

/* Token model profiles: what differs from one model of token to the next, as data (data/models/NAME.conf).
 *
 * One file a model, in libconfuse's syntax; docs and comments in data/models/myeid.conf say what each key means. The reader is
 * strict: an unknown key, a wrong type, a value out of range, an unknown placeholder or a code that would stand in clear in
 * an argument list is refused with file and line.
 *
 * Placeholders of commands are <so-pin> <so-puk> <user-pin> <user-puk>, which become `env:VARIABLE` (the value stands in the
 * child's environment only), and <label> <reader> <serial>, which become the text. Not ${…}: that is libconfuse's word for
 * our own environment, and refused.
 */
#ifndef MINT_BASE_MODEL_H
#define MINT_BASE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_ATR_MAX = 33, MODEL_APDU_MAX = 64, MODEL_CODE_MAX = 16 };

/* The four codes of a token. A model need not have all of them. */
enum code { CODE_SO_PIN, CODE_SO_PUK, CODE_USER_PIN, CODE_USER_PUK, CODES };

struct model_bytes {
	uint8_t data[MODEL_APDU_MAX];
	size_t  length;
};

struct model_atr {
	uint8_t value[MODEL_ATR_MAX];
	uint8_t mask[MODEL_ATR_MAX]; /* bits that must agree */
	size_t  length;
};

/* A program run as a child of mint-worker. */
struct model_command {
	char  *title;
	char **arguments; /* with placeholders; NULL-terminated */
	int    timeout_ms;
};

struct model_commands {
	struct model_command *list;
	size_t                count;
};

struct model_key {
	char *type; /* "rsa2048", as the messages name it */
	int   timeout_ms;
};

/* How a token is looked at before any PKCS#11 module touches it. All lengths 0: it is not looked at in this way. */
struct model_probe {
	struct model_bytes  select;             /* APDU that selects the application */
	int                 lifecycle_tag;      /* in the answer to `select`: tag of the life-cycle byte; 0 none */
	int                 lifecycle_finished; /* its value when initialisation has been finished */
	struct model_bytes  serial;             /* APDU that reads the hardware's serial number */
	int                 serial_offset;      /* where it stands in the answer */
	int                 serial_length;
	struct model_bytes *blank;              /* APDUs that a blank token answers with 6A82 or 6A83, all of them */
	size_t              blank_count;
};

struct model {
	char                 *name;        /* the file's name without .conf */
	char                 *description;
	char                 *driver;      /* OpenSC card driver; "" any */
	struct model_atr     *atrs;
	size_t                atr_count;
	struct model_probe    probe;
	char                 *alphabet;             /* characters codes are made of */
	int                   code_length[CODES];   /* 0: the model has no such code */
	struct model_key     *keys;
	size_t                key_count;
	struct model_commands initialise;  /* run in this order on a blank token */
	struct model_commands erase;       /* of a token that was finished */
	struct model_commands erase_half;  /* of a token whose initialisation was begun only */
	int                   step_timeout_ms; /* for steps that have no time-out of their own */
};

/* All profiles of a directory. */
struct models {
	struct model **list; /* by name */
	size_t         count;
};

/* Reads one profile. On a fault one log line names file, line and what to do: MINT_CONFIG; MINT_NOT_FOUND, MINT_MEMORY.
 * The caller frees with model_free. */
int model_read(const char *path, struct model **model);

/* The same from memory; `path` names it in log lines and gives the model its name. */
int model_parse(const char *path, const char *text, size_t length, struct model **model);
void model_free(struct model **model);

/* Reads every *.conf of the directory; one that is not valid fails the whole. MINT_NOT_FOUND when there is none. */
int models_read(const char *directory, struct models **models);
void models_free(struct models **models);

/* The profile whose ATR pattern fits; the one with the most bits where several do. NULL when none fits. Borrowed. */
const struct model *models_by_atr(const struct models *models, const uint8_t *atr, size_t atr_length);

/* NULL when the model does not offer the key type. */
const struct model_key *model_key(const struct model *model, const char *type);

/* "so-pin": the code's name in profiles, and "MINT_SO_PIN": the variable in the environment of a child. */
const char *code_name(enum code code);
const char *code_variable(enum code code);

/* What a command's argument becomes. `label`, `reader` and `serial` stand for themselves; codes become a reference to their
 * variable. The caller frees; NULL when out of memory. */
char *model_expand(const char *argument, const char *label, const char *reader, const char *serial);

#endif

/* Token model profiles: what differs from one model of token to the next, as data (data/models/NAME.conf).
 *
 * One file a model, in libconfuse's syntax; docs/token-models.md says what each key means and how a new model is added. The reader
 * is strict: an unknown key, a wrong type, a value out of range, an unknown placeholder or a code that would stand in clear in
 * an argument list is refused with file and line.
 *
 * Placeholders of commands are <so-pin> <so-puk> <user-pin> <user-puk>, which become `env:VARIABLE` (the value stands in the
 * child's environment only), and <label> <reader> <serial> <key> <key-id> <profile>, which become the text. Not ${…}: that is libconfuse's word
 * for our own environment, and refused.
 */
#ifndef MINT_BASE_MODEL_H
#define MINT_BASE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_ATR_MAX = 33, MODEL_APDU_MAX = 261, MODEL_CODE_MAX = 16, MODEL_WHY_BYTES = 600 };

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

/* What a code of this model looks like. */
struct model_code {
	int   length;   /* 0: the model has no such code */
	char *alphabet; /* characters it is made of */
	bool  stays;    /* it cannot be changed: what it was initialised with goes into the envelope, and the station forgets it */
	char *factory;  /* what it is on a token that nobody has initialised yet, or on most strangers' tokens; "" not known */
};

/* Functions of the PKCS#11 module that initialise a token where no program does; one is called only where a profile says so. */
enum model_call {
	CALL_NONE,
	CALL_INIT_TOKEN, /* C_InitToken, and the SO-PIN made ours where the token had another one: erases, gives the label */
	CALL_INIT_PIN    /* C_InitPIN by the SO: a new user PIN */
};

/* What a program asks on its terminal, and the code that answers. */
struct model_prompt {
	char     *text;
	enum code answer;
};

/* One act on a token: a program run as a child of mint-worker, a call of the module, or commands to the card itself. */
struct model_command {
	char                *title;
	enum model_call      call;         /* CALL_NONE: a program, or commands */
	char               **arguments;    /* of the program, with placeholders; NULL-terminated */
	struct model_bytes  *apdus;        /* sent one after the other, in one transaction; each must be answered by 9000 */
	size_t               apdu_count;
	struct model_prompt *prompts;      /* none: the program gets no terminal */
	size_t               prompt_count;
	int                  timeout_ms;
};

struct model_commands {
	struct model_command *list;
	size_t                count;
};

struct model_key {
	char  *type;       /* "rsa2048", as the messages name it */
	char  *name;       /* what stands for <key> in a command; "" no command makes it */
	int    timeout_ms; /* given, or six times the mean and never under a minute: slow is not dead */
	char **signatures; /* names of PKCS#11 mechanisms in order of preference, NULL-terminated; NULL: whatever is offered */
};

/* How a token is looked at before any PKCS#11 module touches it. All lengths 0: it is not looked at in this way. */
struct model_probe {
	struct model_bytes  select;             /* APDU that selects the application */
	int                 lifecycle_tag;      /* in the answer to `select`: tag of the life-cycle byte; 0 none */
	int                 lifecycle_finished; /* its value when initialisation has been finished */
	struct model_bytes  serial;             /* APDU that reads the hardware's serial number */
	int                 serial_offset;      /* where it stands in the answer */
	int                 serial_length;
	struct model_bytes  user_tries;         /* VERIFY without data (ISO/IEC 7816-4, 11.6.6): 63CX says X tries left, 6983 none */
	struct model_bytes  so_tries;
	struct model_bytes *blank;              /* APDUs that a blank token answers with 6A82 or 6A83, all of them */
	size_t              blank_count;
	bool                blank_through_driver; /* they go through OpenSC's driver: the card takes nothing but secure messaging */
};

/* What a PKCS#11 module says of such a token (CK_TOKEN_INFO); patterns as of text_fits. */
struct model_token {
	char *manufacturer, *model; /* "" both: the model is known by its ATR alone */
	char *blank_label;          /* label of a token that is initialised as it comes from the factory; "" none is */
	bool  has_serial;           /* it tells a serial number that a token keeps for life */
};

struct model {
	char                 *name;        /* the file's name without .conf */
	char                 *description;
	char                 *driver;      /* OpenSC card driver; "" any */
	int                   subject_max; /* longest name in a certificate that <profile> "pkcs15" has room for; a longer one gets
	                                    * "pkcs15+long". 0: any fits */
	char                 *profiles;    /* directory of OpenSC's profiles for this model, as given below the model's file; "" OpenSC's own */
	char                 *module;      /* PKCS#11 module of this model; "" the bay's or the configuration's */
	struct model_atr     *atrs;
	size_t                atr_count;
	bool                  by_application; /* known by answering to probe.select, whatever its ATR: an applet on any card */
	struct model_token    token;
	struct model_probe    probe;
	struct model_code     codes[CODES];
	struct model_key     *keys;
	size_t                key_count;
	bool                  login_each_use;  /* a signature wants a login of its own, said by the token or not */
	int                   certificate_max; /* longest certificate it takes, bytes, DER; 0 not known */
	struct model_commands initialise;  /* in this order on a blank token */
	struct model_commands erase;       /* of a token that was finished */
	struct model_commands erase_half;  /* of a token whose initialisation was begun only; none: as `erase` */
	struct model_commands unblock;     /* titles are code names: gives the code back its tries, by the PUK or the SO-PIN */
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

/* The same without a log line: `why`, of MODEL_WHY_BYTES, is what it would say; "" when all is well. */
int model_read_why(const char *path, struct model **model, char *why);

/* As model_read from memory; `path` names it in log lines and gives the model its name. */
int model_parse(const char *path, const char *text, size_t length, struct model **model);
void model_free(struct model **model);

/* Reads every *.conf of the directory; one that is not valid fails the whole. MINT_NOT_FOUND when there is none. */
int models_read(const char *directory, struct models **models);
void models_free(struct models **models);

/* The profile whose ATR pattern fits; the one with the most bits where several do. NULL when none fits. Borrowed. */
const struct model *models_by_atr(const struct models *models, const uint8_t *atr, size_t atr_length);

/* The profiles that are known by their application, one after the other: start with NULL; NULL at the end. */
const struct model *models_by_application(const struct models *models, const struct model *before);

/* Whether the profile's `token` fits what the module says; no when it has none. */
bool model_fits_token(const struct model *model, const char *manufacturer, const char *token_model);

/* The profile whose `token` fits what the module says; NULL when none does. */
const struct model *models_by_token(const struct models *models, const char *manufacturer, const char *token_model);

/* NULL when there is none of that name. */
const struct model *models_by_name(const struct models *models, const char *name);

/* The longest that a step may take with this model, milliseconds: its commands one after the other, or its slowest key, and a look
 * before and after. */
int model_step_limit_ms(const struct model *model);

/* The command that unblocks a code; NULL when the model has none. */
const struct model_command *model_unblock(const struct model *model, enum code code);

/* NULL when the model does not offer the key type. */
const struct model_key *model_key(const struct model *model, const char *type);

/* The first code that the command wants and whose text in `known` (one for each enum code) is ""; CODES when there is none. */
enum code model_command_lacking(const struct model_command *command, const char (*known)[MODEL_CODE_MAX + 1]);

/* "C_InitToken". */
const char *model_call_name(enum model_call call);

/* "so-pin": the code's name in profiles, and "MINT_SO_PIN": the variable in the environment of a child. */
const char *code_name(enum code code);
const char *code_variable(enum code code);

/* Whether a command of `initialise` makes the key pair of this type as well: then it is there when the token is initialised. */
bool model_initialise_makes_key(const struct model *model, const char *type);

/* What stands for placeholders. All are needed, "" where there is nothing to say. */
struct model_texts {
	const char *label, *reader, *serial;
	const char *key;    /* struct model_key's name */
	const char *key_id; /* hex */
	const char *profile; /* OpenSC's, with its options */
};

/* What a command's argument becomes. Texts stand for themselves; codes become a reference to their variable. The caller frees; NULL
 * when out of memory. */
char *model_expand(const char *argument, const struct model_texts *texts);

#endif

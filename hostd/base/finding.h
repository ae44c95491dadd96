/* Findings: what is wrong with a record from outside, every fault of it at once, in words for the person who mends it.
 *
 * The list of all findings and their words is schemas/findings.def. A finding never repeats a value of the record: values
 * are personal data, and findings travel to screens and logs.
 */
#ifndef MINT_BASE_FINDING_H
#define MINT_BASE_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "schemas/errors.h"

enum finding_weight {
	FINDING_WARNING, /* the record goes in; people are told */
	FINDING_HOLD,    /* it goes in and is held until a second person overrides */
	FINDING_ERROR    /* it does not go in */
};

enum finding_rule {
#define FINDING(name, ...) RULE_##name,
#include "schemas/findings.def"
#undef FINDING
	RULE_COUNT
};

/* A row of the list; static strings. */
struct finding_info {
	const char          *name; /* "USCC_CHECK" */
	enum finding_weight  weight;
	enum mint_error      code; /* negative */
	const char          *what[2]; /* by enum mint_language; {} stands for the argument */
	const char          *next[2];
};
const struct finding_info *finding_info(enum finding_rule rule);

#define FINDING_PATH_SIZE     96
#define FINDING_ARGUMENT_SIZE 96
#define FINDING_TEXT_SIZE     512

struct finding {
	enum finding_rule rule;
	size_t line, column;                  /* in the file, from 1; the place of the record where no closer one is known */
	char path[FINDING_PATH_SIZE];         /* "credentials[2].holder", items from 0; "" for the whole record */
	char argument[FINDING_ARGUMENT_SIZE]; /* "" for none */
};

/* More than this from one record help nobody: the last place then says how many more there are. */
#define FINDINGS_MAX 20

/* All findings of one record. Plain data without memory of its own (5 kB): nothing to free, nothing to fail. */
struct findings {
	size_t         record;    /* its number in the file, from 1 */
	size_t         line;      /* where it begins */
	size_t         column;
	char           reference[48]; /* the platform's key, "" where it could not be read */
	size_t         count;     /* of items */
	size_t         all;       /* found; more than count when there were too many */
	bool           weights[FINDING_ERROR + 1]; /* which weights occur */
	struct finding items[FINDINGS_MAX];
};

/* Empties the list for a record that begins at this place. Nothing else initialises a list. */
void findings_begin(struct findings *findings, size_t record, size_t line, size_t column);

/* Adds a finding at the record's place. path and argument may be NULL; both are copied and cut to size. */
void findings_add(struct findings *findings, enum finding_rule rule, const char *path, const char *argument);

/* The same at a place inside the record: line and column count from 1 where the record begins. */
void findings_add_at(struct findings *findings, enum finding_rule rule, const char *path, const char *argument,
                     size_t line, size_t column);

/* Whether a finding of this weight is in the list. */
bool findings_have(const struct findings *findings, enum finding_weight weight);

/* What is wrong, and what to do, with the argument filled in; cut to size. */
void finding_what(const struct finding *finding, enum mint_language language, char *text, size_t size);
void finding_next(const struct finding *finding, enum mint_language language, char *text, size_t size);

/* One finding as it stands in answers:
 * {"record": 3, "line": 7, "column": 1, "reference": "SQ-3", "path": "person.id_card", "weight": "error", "code": "FIELD",
 *  "rule": "ID_CARD_CHECK", "what": {"en": …, "zh": …}, "do": {"en": …, "zh": …}}; `reference` is null where not known.
 * The caller owns it; NULL when memory is out. */
json_t *finding_json(const struct findings *findings, const struct finding *finding);

/* All of them, an array. The same rules. */
json_t *findings_json(const struct findings *findings);

#endif

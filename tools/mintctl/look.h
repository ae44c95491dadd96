/* Reading members of answers, and getting answers, in one line each. */
#ifndef MINTCTL_LOOK_H
#define MINTCTL_LOOK_H

#include "tools/mintctl/command.h"

enum { LOOK_TIMEOUT_MS = 15000, LOOK_PATH_BYTES = 1024 };

/* A member's text, "" when it is absent, null or no text. Lives as long as the object. */
const char *text_of(const json_t *object, const char *name);
long long   number_of(const json_t *object, const char *name);
/* The sentence of {"en", "zh"} in the chosen language, "" when absent. */
const char *words_of(const json_t *object, const char *name);

/* The number an option was given: 0 when it was not given, -1 when it is no number. */
long long number_option(const struct run *run, int option);

/* Tells that --state names none of these machines' states (a list that NULL ends), and which there are. MINT_ARGUMENT. */
int state_unknown(const struct run *run, const char *const *machines);

/* GET, telling an error by itself. 0 with a new reference, or the error. */
int look(struct run *run, const char *path, json_t **answer);

/* Appends "?name=value" or "&name=value"; nothing for a NULL value. 0 or MINT_ARGUMENT when it does not fit. */
int add_query(char *path, const char *name, const char *value);

/* Follows `cursor` and gives page after page to `take`; 1 from it ends that, an error (which it has told) too. `limit` as below. */
int look_at_pages(struct run *run, const char *path, long long limit, int (*take)(void *argument, const json_t *page), void *argument);

/* Follows `cursor` page after page and gives all rows of `list` as one object {list: rows}. `limit` 0: all. */
int look_at_all(struct run *run, const char *path, const char *list, long long limit, json_t **answer);

#endif

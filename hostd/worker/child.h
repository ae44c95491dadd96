/* One child program (pkcs15-init), run to its end or to a deadline.
 *
 * Codes reach it by its environment (law 6), argument lists hold `env:VARIABLE`; where a profile knows of a prompt, by a terminal.
 * It has an environment of a few fixed variables, and dies with the worker.
 */
#ifndef MINT_WORKER_CHILD_H
#define MINT_WORKER_CHILD_H

#include "hostd/worker/codes.h"

struct child_order {
	const char *const  *arguments;  /* complete, NULL-terminated; arguments[0] is looked up in /usr/local/bin, /usr/bin, /bin */
	char *const        *variables;  /* "NAME=value" beside the fixed ones, NULL-terminated; NULL: none */
	const struct codes *codes;      /* become MINT_SO_PIN … */
	const struct model_prompt *prompts; /* what it asks on its terminal */
	size_t              prompt_count;   /* 0: it gets none */
	int                 timeout_ms;
};

/* Runs it. `said` (size bytes) gets the end of what it wrote, one line, codes struck out.
 * 0: exit status 0. MINT_TOKEN_INIT: another one. MINT_TIMEOUT: it was killed. MINT_SYSTEM: it could not be run, or a
 * signal ended it. */
int child_run(const struct child_order *order, char *said, size_t size);

#endif

/* A terminal for a child program that asks for a code nowhere else: pkcs15-init does so when it erases (pty(7)).
 *
 * Each prompt is answered once. A program that asks again was not content with the answer, and another try of the same code
 * would only use up the token's tries: it waits until its deadline ends it.
 */
#ifndef MINT_WORKER_TERMINAL_H
#define MINT_WORKER_TERMINAL_H

#include "hostd/worker/codes.h"

#include <stdbool.h>

enum { TERMINAL_NAME_MAX = 64, TERMINAL_HEARD_MAX = 256 };

struct terminal {
	int                        master; /* ours: what the program writes is read here */
	char                       name[TERMINAL_NAME_MAX];
	const struct model_prompt *prompts;
	size_t                     prompt_count;
	unsigned                   answered; /* a bit for each prompt */
	char                       heard[TERMINAL_HEARD_MAX]; /* since the last answer */
};

/* Opens one; at most 32 prompts, borrowed. MINT_SYSTEM. Close terminal->master when done. */
int terminal_open(struct terminal *terminal, const struct model_prompt *prompts, size_t prompt_count);

/* In the child: makes it the controlling terminal, with echo on. The slave's descriptor, −1 on failure. */
int terminal_enter(const struct terminal *terminal);

/* Takes in what the program wrote. */
void terminal_hear(struct terminal *terminal, const char *text, size_t length);

/* Answers a prompt that stands at the end of it, once the program has turned echo off: only then does it read what is typed, and only
 * then is a code not written back. True while such a prompt waits for that; there is no event for it, so ask again soon. */
bool terminal_answer(struct terminal *terminal, const struct codes *codes);

#endif

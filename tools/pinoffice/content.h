/* What is inside an envelope: the JSON object of version 1 that hostd/worker/envelope.h describes. Pure: no I/O. */
#ifndef PINOFFICE_CONTENT_H
#define PINOFFICE_CONTENT_H

#include <stddef.h>

/* By seat: a code and what unblocks it are made and replaced together. */
enum code_name { CODE_user_pin, CODE_user_puk, CODE_so_pin, CODE_so_puk, CODE_COUNT };
enum seat { SEAT_user, SEAT_so, SEAT_COUNT };

enum { CONTENT_NAME_BYTES = 65, CONTENT_CODE_MIN = 4, CONTENT_CODE_BYTES = 17, CONTENT_TEXT_MAX = 4096 };

struct content {
	char model[CONTENT_NAME_BYTES], serial[CONTENT_NAME_BYTES], label[CONTENT_NAME_BYTES];
	char codes[CODE_COUNT][CONTENT_CODE_BYTES]; /* "" where the envelope holds none */
};

/* "user-pin" … */
const char *code_text(enum code_name code);

/* Reads the whole text, and nothing behind it: members that are unknown, missing, twice there or of the wrong form are refused. 0;
 * −1 with *why saying which rule, never what stood there. The caller wipes with content_wipe, either way. */
int content_read(const char *text, size_t length, struct content *content, const char **why);

/* 1 when it holds the PIN of the seat. */
int content_has(const struct content *content, enum seat seat);

void content_wipe(struct content *content);

#endif

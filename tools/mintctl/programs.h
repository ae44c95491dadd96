/* How the programs of a bench stand: from mint-api's status, or from mintd's own file where mint-api does not answer. */
#ifndef MINTCTL_PROGRAMS_H
#define MINTCTL_PROGRAMS_H

#include <jansson.h>
#include <stddef.h>

/* "mint-ca: stays down since 2026-11-27 09:00:00, last exit: status 78, restarted 9 times, next try 2026-11-27 09:10:00". `row` is one
 * of `programs` in the answer of /v1/status. */
void programs_text(const json_t *row, char *text, size_t text_bytes);

/* Prints each program that does not run, with what to do where it stays down. */
void programs_print(const json_t *status);

/* The names of those that stay down, "" when there is none. */
void programs_down(const json_t *status, char *text, size_t text_bytes);

/* Where mint-api does not answer at `socket_path`: 1 and a sentence when a living mintd says which program stays down. */
int programs_ask_mintd(const char *socket_path, char *text, size_t text_bytes);

#endif

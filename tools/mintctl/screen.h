/* What people see: two languages, columns that stay straight with characters of double width, times of the bench's place. */
#ifndef MINTCTL_SCREEN_H
#define MINTCTL_SCREEN_H

#include "schemas/errors.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Chooses the language: `wanted` ("zh", "zh_CN", "en"; NULL for none), else LC_ALL, LC_MESSAGES, LANG as POSIX orders them
 * (XBD 8.2); English unless it begins with "zh". Call first. */
void screen_open(const char *wanted);

enum mint_language screen_language(void);

/* The text of the chosen language. */
const char *say(const char *en, const char *zh) __attribute__((format_arg(1), format_arg(2)));

/* Columns that a text takes on a terminal (East Asian wide: 2, combining: 0, malformed bytes: 1 each). */
size_t text_width(const char *text);

/* Cuts to at most `width` columns, whole characters only, with "…" where something was cut. out_bytes ≥ 4. */
void text_cut(const char *text, size_t width, char *out, size_t out_bytes);

/* Writes the text and blanks up to `width` columns. */
void text_pad(FILE *out, const char *text, size_t width);

/* Rows of cells, each column as wide as its widest cell. */
struct table;
struct table *table_new(size_t columns);
/* The next cell, left to right, row by row; copied. A NULL prints as "-". Memory exhausted ends the program: a half-printed
 * table would lie. */
void table_add(struct table *table, const char *text);
void table_add_number(struct table *table, long long number);
/* The first row is the head. Nothing but the head: prints `empty` instead (may be NULL). */
void table_print(const struct table *table, FILE *out, const char *empty);
void table_free(struct table **table);

enum { SCREEN_TIME_BYTES = 32, SCREEN_SPAN_BYTES = 32 };

/* "2026-11-23T08:15:00.123456Z" as "2026-11-23 16:15:00" in Asia/Shanghai (UTC+8 all year since 1991); "-" for NULL or what is no
 * time. */
void screen_time(const char *rfc3339, char *out);

/* UTC microseconds of such a text, −1 when it is none. */
int64_t screen_time_us(const char *rfc3339);

/* "4 s", "2 min 05 s", "3 h 02 min". */
void screen_span(long long seconds, char *out);

/* The name of a state, step in the chosen language; the name itself when the lists do not know it. machine: "application", … */
const char *state_text(const char *machine, const char *name);

/* The name, in schemas/states.def, of the state that has this name or is shown by this word, in whichever language; NULL. */
const char *state_named(const char *machine, const char *word);

/* The names of all states of a machine, each behind a blank and with the word it is shown by. */
void states_print(const char *machine, FILE *out);

/* A state whose machine is not said. */
const char *any_state_text(const char *state);

/* strerror(3) in the person's language, for what a wrong path or a wrong mode brings. */
const char *system_text(int error);
const char *step_text(const char *name);

#endif

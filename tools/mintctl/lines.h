/* One thing told in lines, each a title and a value; what has no value has no line. */
#ifndef MINTCTL_LINES_H
#define MINTCTL_LINES_H

#include <jansson.h>

void line(const char *title, const char *value);
void line_number(const char *title, long long value);
/* The member `name` of `object`, RFC 3339. */
void line_time(const char *title, const json_t *object, const char *name);

/* Why something waits for a person, and what that person does; nothing when `why` is no object. */
void print_why(const json_t *why, const char *detail);

/* The order by which a person decides about a credential, with the choices that are open; nothing where none is. */
void print_choices(const json_t *credential, const char *indent);

/* How a use or a step ended, what a certificate is now, in the chosen language. */
const char *outcome_text(const char *outcome);

#endif

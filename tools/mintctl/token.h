/* Tokens as people see them. */
#ifndef MINTCTL_TOKEN_H
#define MINTCTL_TOKEN_H

#include <jansson.h>

/* The answer of GET /v1/tokens/{serial}. */
void token_print(const json_t *answer);

#endif

/* Why an order is refused, in both languages: schemas/reasons.def. */
#ifndef MINT_QUEUE_REASON_H
#define MINT_QUEUE_REASON_H

#include <jansson.h>

enum reason {
	REASON_NONE,
#define REASON(name, en, zh) REASON_##name,
#include "schemas/reasons.def"
#undef REASON
};

/* Adds "reason" (its name), "why" and "why_zh" to `detail`, which is made when NULL. The object, NULL without memory. */
json_t *reason_give(json_t *detail, enum reason reason);

#endif

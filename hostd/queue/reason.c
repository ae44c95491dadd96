#include "hostd/queue/reason.h"

static const struct {
	const char *name, *en, *zh;
} reasons[] = {
	[REASON_NONE] = { "", "", "" },
#define REASON(name, en, zh) [REASON_##name] = { #name, en, zh },
#include "schemas/reasons.def"
#undef REASON
};

json_t *
reason_give(json_t *detail, enum reason reason)
{
	if (!detail)
		detail = json_object();
	json_object_set_new(detail, "reason", json_string(reasons[reason].name));
	json_object_set_new(detail, "why", json_string(reasons[reason].en));
	json_object_set_new(detail, "why_zh", json_string(reasons[reason].zh));
	return detail;
}

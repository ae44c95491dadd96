/* What the files of mint-api share: the one loop's state. */
#ifndef MINT_API_API_H
#define MINT_API_API_H

#include "hostd/api/call.h"
#include "hostd/api/record.h"
#include "hostd/base/hours.h"
#include "hostd/base/program.h"

struct calendar;
struct door;
struct orders;
struct feed;

struct api {
	struct program_context *context;
	struct record *record;
	struct door   *doors;      /* the listeners */
	struct orders *orders;     /* imports and commands that mint-queue has not answered yet */
	struct feed   *feed;       /* who waits for events */
	struct call   *calls;      /* every open call */
	int            unsent;     /* answers on their way out */
	int            ending;     /* mint-queue is gone or we were told to stop: nothing new is taken */
	int            standstill; /* the error for which mint-queue begins nothing; 0: it works */
	int64_t        started_us;
	struct hours   hours;      /* when the bench is worked */
	struct calendar *calendar; /* NULL: around the clock, none is needed */
	json_t        *glance;     /* the forecast that /v1/status shows, kept for a while: many screens ask for it each second */
	int64_t        glance_us;  /* when it was made, monotonic */
};

/* A handler for each route of schemas/routes.def. Called inside record_begin … record_end. */
#define ROUTE(name, ...) void route_##name(struct call *call);
#define QUERY(...)
#include "schemas/routes.def"
#undef QUERY
#undef ROUTE

/* Adds {"error", "what", "do", …} of schemas/errors.def under `member` when `name` is one, else null. */
void api_explain(json_t *object, const char *member, const char *name);

/* The same for each row of credentials: "parked" from its parked_error. NULL is fine. */
void api_explain_parked(json_t *credentials);

/* Adds "choices": what `resolve` may be ordered with now, as text ("retry redo"), "" when nothing; from the row's state, on_token and
 * unsettled (a certificate that is not revoked or refused, or a revocation that is waited for), of which the last two are taken out. */
void api_add_choices(json_t *credential);

/* Levels and orders of tokens keyed ahead. */
json_t *api_stock(struct call *call);

/* The forecast for /v1/status: {"empty_at", "late", "past", "short"} by the medians, at most GLANCE_KEPT_S old; null while nothing is to be done or the
 * record cannot be read, for GLANCE_NONE_KEPT_S at least. A new reference. */
enum { GLANCE_KEPT_S = 10, GLANCE_NONE_KEPT_S = 1 };
json_t *api_forecast_glance(struct call *call);

/* {"<list>": rows, "cursor": text or null}: rows carry their cursor, which is taken out; `limit` + 1 rows were asked for. */
json_t *api_page(json_t *rows, const char *list, int64_t limit);

#endif

/* One HTTP request from its arrival to its answer.
 *
 * A handler answers at once (call_reply, call_error), or keeps the call and answers later. Either way every call is answered
 * exactly once, and the answer frees it. The client may hang up in between: `gone` is then called, the call stays valid and
 * its answer goes nowhere.
 */
#ifndef MINT_API_CALL_H
#define MINT_API_CALL_H

#include "hostd/api/query.h"
#include "hostd/api/route.h"

#include <jansson.h>

struct api;
struct evbuffer;
struct evhttp_request;

enum { CALL_ACTOR_BYTES = 64 };

struct call {
	struct api *api;
	struct evhttp_request *request; /* loses its connection when the client hangs up; the answer frees it all the same */
	enum route_door door;           /* ROUTE_LOCAL: came over the Unix socket */
	enum route_name route;
	char object[ROUTE_SEGMENT_BYTES]; /* what stood in the path's {…}, decoded; "" without one */
	struct query query;
	char actor[CALL_ACTOR_BYTES];   /* "uid:1000(name)" over the Unix socket, else "" */
	void (*gone)(struct call *);    /* the client has hung up; may be NULL; must not answer */
	void (*lost)(struct call *);    /* mint-queue is gone: answer now; NULL: 503 */
	void (*written)(struct call *);
	void *state;                    /* the handler's own, which frees it before it answers */
	struct call *next, **place;     /* all open calls */
};

/* Takes a request in: routes it and calls the handler, or answers why not. */
void call_begin(struct api *api, struct evhttp_request *request, enum route_door door);

/* Answers with a JSON body; takes the reference. NULL answers that memory is out. */
void call_reply(struct call *call, int status, json_t *body);

/* Answers 200 with an entity tag of this moment of the record. NULL answers that the record cannot be read. */
void call_reply_tagged(struct call *call, json_t *body);

/* 1 and the call is answered with 304 when If-None-Match names this moment: nothing needs reading. */
int call_unchanged(struct call *call);

/* Answers with {error, what, do, detail} and the status that belongs to the error. `detail` says which object and what of it,
 * without personal data. */
void call_error(struct call *call, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Answers 404 naming the object of the path. */
void call_not_found(struct call *call);

/* An answer of unknown length. `written` (may be NULL) is called when a chunk has left; not once the client is gone.
 * call_end frees the call. */
void call_start(struct call *call, int status, const char *type);
void call_chunk(struct call *call, struct evbuffer *bytes, void (*written)(struct call *));
void call_end(struct call *call);

/* The body of the request; valid until the answer. */
struct evbuffer *call_body(struct call *call);

/* A header of the request, NULL when absent. */
const char *call_header(const struct call *call, const char *name);

/* {"error": …, "what": {…}, "do": {…}, "detail": …}; a new reference. */
json_t *call_error_json(int error, const char *detail);

/* The HTTP status that belongs to an error of schemas/errors.def. */
int call_status_of(int error);

#endif

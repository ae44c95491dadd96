/* Speaking with mint-api over its Unix socket. */
#ifndef MINTCTL_CLIENT_H
#define MINTCTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>

struct client;

/* `socket_path` is kept, not copied. NULL when memory is out. */
struct client *client_new(const char *socket_path);
void client_free(struct client **client);

/* GET. 0 and the answer in *answer, or a negative error of schemas/errors.def and the error's JSON object ({error, what, do,
 * detail}) in *answer; either way a new reference. timeout_ms covers the whole exchange. */
int client_get(struct client *client, const char *path, long timeout_ms, json_t **answer);

/* POST with a JSON body. As client_get. */
int client_post(struct client *client, const char *path, json_t *body, json_t **answer);

/* Calls `take` with the bytes of the answer as they come; a non-zero return ends the exchange. `body` NULL: GET, else POST of
 * these bytes. `accept` NULL: anything. A refusal does not reach `take`: it is in *answer. No limit of time: the caller's user has
 * Ctrl-C. 0 or a negative error as above; MINT_SYSTEM when `take` ended it. */
int client_stream(struct client *client, const char *path, const char *accept, const void *body, size_t body_bytes,
    int (*take)(void *argument, const char *bytes, size_t length), void *argument, json_t **answer);

/* {error, what, do, detail} of an error of our own, as mint-api gives them. A new reference. */
json_t *client_error(int error, const char *detail);

/* Appends `text` percent-encoded as one path segment or query value. Cuts nothing: MINT_ARGUMENT when it does not fit. */
int client_escape(char *path, size_t path_bytes, const char *text);

#endif

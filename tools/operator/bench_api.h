/* What the virtual operator sees and touches: the API that a screen shows, and the control sockets of the virtual tokens
 * and of the simulated station. */
#ifndef MINT_OPERATOR_BENCH_API_H
#define MINT_OPERATOR_BENCH_API_H

#include <jansson.h>

struct bench_api;

/* A client of mint-api on a Unix socket (path kept, not copied). NULL when out of memory. */
struct bench_api *bench_api_new(const char *socket_path);
void bench_api_free(struct bench_api **api);

/* GET; the caller owns the JSON. NULL when there is no answer or no 200: *status (may be NULL) tells the HTTP status, 0 for
 * none. Waits up to timeout_ms. */
json_t *bench_api_get(struct bench_api *api, const char *path, long timeout_ms, long *status);

/* One line to the control socket of vtoken or of station-usb, one JSON line back (the caller's); NULL when it did not answer. */
json_t *control_command(const char *socket_path, const char *line);

#endif

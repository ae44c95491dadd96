/* What a back end of ca.h provides, call for call. */
#ifndef MINT_CA_BACKEND_H
#define MINT_CA_BACKEND_H

#include "hostd/ca/ca.h"

struct ca_backend {
	const char *name;
	int (*open)(void **state, const struct ca_settings *settings, struct reason *reason);
	void (*close)(void *state);
	void (*certify)(void *state, const struct ca_request *request);
	void (*lookup)(void *state, uint64_t request_id, struct blob spki_sha256);
	void (*revoke)(void *state, uint64_t request_id, struct blob serial, int reason);
	unsigned (*pending)(const void *state);
	int (*settle)(void *state);
	int (*publish)(void *state, int force, unsigned *again_s, struct reason *reason);
};

extern const struct ca_backend ca_backend_embedded;

#endif

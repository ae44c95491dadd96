#include "hostd/ca/ca.h"
#include "hostd/ca/backend.h"
#include "schemas/errors.h"

#include <stdlib.h>
#include <string.h>

struct ca {
	const struct ca_backend *backend;
	void                    *state;
};

static const struct ca_backend *const backends[] = { &ca_backend_embedded };

int
ca_open(struct ca **out, const char *backend, const struct ca_settings *settings, struct reason *reason)
{
	struct ca *ca = calloc(1, sizeof *ca);
	int r;

	*out = NULL;
	if (!ca)
		return reason_set(reason, MINT_MEMORY, "out of memory");
	for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++)
		if (strcmp(backends[i]->name, backend) == 0)
			ca->backend = backends[i];
	r = ca->backend ? ca->backend->open(&ca->state, settings, reason)
	                : reason_set(reason, MINT_CONFIG, "there is no CA back end \"%s\": embedded is one", backend);
	if (r == 0)
		*out = ca;
	else
		free(ca);
	return r;
}

void
ca_close(struct ca **place)
{
	struct ca *ca = *place;

	*place = NULL;
	if (!ca)
		return;
	ca->backend->close(ca->state);
	free(ca);
}

void
ca_certify(struct ca *ca, const struct ca_request *request)
{
	ca->backend->certify(ca->state, request);
}

void
ca_lookup(struct ca *ca, uint64_t request_id, struct blob spki_sha256)
{
	ca->backend->lookup(ca->state, request_id, spki_sha256);
}

void
ca_revoke(struct ca *ca, uint64_t request_id, struct blob serial, int reason)
{
	ca->backend->revoke(ca->state, request_id, serial, reason);
}

unsigned
ca_pending(const struct ca *ca)
{
	return ca->backend->pending(ca->state);
}

int
ca_settle(struct ca *ca)
{
	return ca->backend->settle(ca->state);
}

int
ca_publish(struct ca *ca, int force, unsigned *again_s, struct reason *reason)
{
	return ca->backend->publish(ca->state, force, again_s, reason);
}

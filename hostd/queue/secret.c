#include "hostd/queue/secret.h"
#include "hostd/base/clock.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 64 };

static const int64_t life_us = (int64_t)600 * 1000000;

struct secret {
	struct secret *next;
	int64_t        token;
	int64_t        given_us;   /* monotonic */
	char           text[SECRET_BYTES + 1];
};

static void
drop(struct secret **place)
{
	struct secret *secret = *place;

	*place = secret->next;
	OPENSSL_cleanse(secret, sizeof *secret);
	free(secret);
}

int
secret_keep(struct queue *queue, int64_t token, const char *text)
{
	struct secret *secret;

	if (strlen(text) > SECRET_BYTES)
		return MINT_ARGUMENT;
	secret_drop(queue, token);
	secret = calloc(1, sizeof *secret);
	if (!secret)
		return MINT_MEMORY;
	secret->next = queue->secrets;
	secret->token = token;
	secret->given_us = clock_monotonic_us();
	memcpy(secret->text, text, strlen(text));
	queue->secrets = secret;
	return 0;
}

const char *
secret_of(struct queue *queue, int64_t token)
{
	secret_expire(queue);
	for (const struct secret *secret = queue->secrets; secret; secret = secret->next)
		if (secret->token == token)
			return secret->text;
	return "";
}

void
secret_drop(struct queue *queue, int64_t token)
{
	for (struct secret **place = &queue->secrets; *place;)
		if ((*place)->token == token)
			drop(place);
		else
			place = &(*place)->next;
}

void
secret_expire(struct queue *queue)
{
	int64_t oldest = clock_monotonic_us() - life_us;

	for (struct secret **place = &queue->secrets; *place;)
		if ((*place)->given_us < oldest)
			drop(place);
		else
			place = &(*place)->next;
}

void
secrets_free(struct queue *queue)
{
	while (queue->secrets)
		drop(&queue->secrets);
}

#include "hostd/queue/import.h"
#include "hostd/base/application.h"
#include "hostd/base/calendar.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/answer.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The record once more, by the same strict reader: mint-queue trusts no other program's check. Kinds and media that this bench
 * does not work on are read too; they go in and are held. */
static int
read_record(struct queue *queue, const char *record, struct findings *findings, struct application **application)
{
	struct application_policy policy = { .now_us = queue_now(queue), .kinds = ~0u, .media = ~0u };

	findings_begin(findings, 1, 1, 1);
	return application_parse(record, strlen(record), &policy, findings, application);
}

/* Everything that holds it: what the reader found, what mint-api said, what this bench cannot do. NULL: nothing. */
static json_t *
holds(const struct application *application, const struct findings *findings, const char *held)
{
	json_t *all = held[0] ? json_loads(held, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (!json_is_array(all)) {
		json_decref(all);
		all = findings_have(findings, FINDING_HOLD) ? findings_json(findings) : json_array();
	}
	if (application->kind != APPLICATION_KIND_NEW || application->medium != APPLICATION_MEDIUM_TOKEN)
		json_array_append_new(all, json_pack("{s:s, s:s, s:{s:s, s:s}}", "rule", "NOT_YET", "path",
		    application->kind != APPLICATION_KIND_NEW ? "kind" : "medium",
		    "what", "en", "this bench does not work on such applications yet", "zh", "本制证台暂不办理此类申请"));
	if (json_array_size(all) > 0)
		return all;
	json_decref(all);
	return NULL;
}

static int
add_application(struct queue *queue, const struct application *a, const struct blob *digest, json_t *held, int64_t *id)
{
	const char *delivery = application_delivery_text(a->delivery.method);
	char *why = held ? json_dumps(held, JSON_COMPACT) : NULL;
	char *record = application_canonical(a);
	int64_t now = queue_now(queue);
	int r = store_run(queue->store, QUEUE_application_add, "ssssddsiiibss", a->reference, application_kind_text(a->kind),
	    application_medium_text(a->medium), held ? "held" : "approved", (int)a->quantity, (int)a->urgent,
	    delivery ? delivery : "on_site", a->approved_at_us, calendar_deadline(queue->calendar, a->approved_at_us, NULL), now,
	    digest, why, held ? "approved" : NULL);

	*id = store_last_id(queue->store);
	if (r == 0)
		r = record ? store_run(queue->store, QUEUE_person_add, "is", *id, record) : MINT_MEMORY;
	if (r == 0)
		r = store_run(queue->store, QUEUE_parcel_add, "i", *id);
	if (record)
		OPENSSL_cleanse(record, strlen(record));
	free(record);
	free(why);
	return r;
}

static int
add_credentials(struct queue *queue, const struct application *a, int64_t id, int claimable)
{
	int64_t deadline = calendar_deadline(queue->calendar, a->approved_at_us, NULL);
	char name[64];
	int r = 0;

	for (unsigned i = 1; r == 0 && i <= a->quantity; i++) {
		snprintf(name, sizeof name, "%s-%02u", a->reference, i);
		r = store_run(queue->store, QUEUE_credential_add, "idsssdidi", id, (int)i, name,
		    application_key_text(a->key_type), queue->config->ca_profile, (int)a->urgent, deadline, claimable,
		    queue_now(queue));
	}
	return r;
}

static int
add(struct queue *queue, const struct message_import *import, const struct application *a, const struct blob *digest,
    json_t *held)
{
	struct happening happening = { .kind = "application.imported" };
	int64_t id;
	int r = add_application(queue, a, digest, held, &id);

	if (r == 0)
		r = add_credentials(queue, a, id, held == NULL);
	happening.application = id;
	if (r == 0)
		r = feed_add(queue, &happening);
	happening.kind = "application.held";
	if (r == 0 && held)
		r = feed_add(queue, &happening);
	if (r == 0)
		r = store_run(queue->store, QUEUE_operator_seen, "si", import->actor, queue_now(queue));
	if (r != 0)
		return r;
	if (!held)
		queue->wake = 1;
	return answer_import(queue, import->call, held ? IMPORT_HELD : IMPORT_ADDED, id, json_incref(held));
}

/* --- a reference that is known */

static json_t *
differences(struct queue *queue, const char *known, const struct application *new)
{
	struct application *old = NULL;
	struct findings findings;
	json_t *diff = NULL;

	if (known[0] && read_record(queue, known, &findings, &old) == 0)
		diff = application_diff(old, new);
	application_free(&old);
	return diff ? diff : json_array(); /* erased: it differs, but nobody can say in what */
}

static int
known(struct queue *queue, const struct message_import *import, const struct application *a, const struct blob *digest)
{
	enum queue_statement g = QUEUE_application_by_reference;
	struct blob stored = store_blob(queue->store, g, 2);
	int64_t id = store_i64(queue->store, g, 0);
	int same = stored.length == digest->length && memcmp(stored.data, digest->data, digest->length) == 0;
	char *record = same ? NULL : strdup(store_text(queue->store, g, 3));
	json_t *diff;

	store_done(queue->store, g);
	if (same)
		return answer_import(queue, import->call, IMPORT_UNCHANGED, id, NULL);
	if (!record)
		return MINT_MEMORY;
	diff = differences(queue, record, a);
	OPENSSL_cleanse(record, strlen(record));
	free(record);
	return answer_import(queue, import->call, IMPORT_DIFFERENT, id, diff);
}

static int
take(struct queue *queue, const struct message_import *import, const struct application *a, const struct findings *findings)
{
	uint8_t bytes[APPLICATION_DIGEST_BYTES];
	struct blob digest = { .data = bytes, .length = sizeof bytes };
	json_t *held;
	int r = application_digest(a, bytes);

	if (r != 0)
		return r;
	r = store_get(queue->store, QUEUE_application_by_reference, "s", a->reference);
	if (r == 0)
		return known(queue, import, a, &digest);
	if (r != MINT_NOT_FOUND)
		return r;
	held = holds(a, findings, import->held);
	r = add(queue, import, a, &digest, held);
	json_decref(held);
	return r;
}

int
import_message(struct queue *queue, const struct message_import *import)
{
	struct application *application = NULL;
	static struct findings findings; /* 12 kB, used one record at a time */
	int r = read_record(queue, import->record, &findings, &application);

	if (r == MINT_SYNTAX || r == MINT_FIELD)
		return answer_import(queue, import->call, IMPORT_FAILED, 0, findings_json(&findings));
	if (r == 0)
		r = take(queue, import, application, &findings);
	application_free(&application);
	return r;
}

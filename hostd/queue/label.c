#include "hostd/queue/label.h"
#include "hostd/base/log.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/turn.h"
#include "schemas/errors.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row of :print_job_get. */
struct job {
	int64_t    id, application, made_at;
	int        copy, urgent;
	enum state state;
	char       reference[129], delivery[9];
	char       tokens[2048];     /* serials it names; "" before it is first sent */
};

static int
load(struct queue *queue, int64_t id, struct job *job)
{
	struct store *s = queue->store;
	enum queue_statement g = QUEUE_print_job_get;
	int r = store_get(s, g, "i", id);

	memset(job, 0, sizeof *job);
	if (r != 0)
		return r;
	job->id = id;
	job->copy = (int)store_i64(s, g, 0);
	job->made_at = store_i64(s, g, 1);
	job->state = states_by_name(MACHINE_print_job, store_text(s, g, 2));
	job->application = store_i64(s, g, 3);
	store_copy(s, g, 4, job->reference, sizeof job->reference);
	store_copy(s, g, 5, job->delivery, sizeof job->delivery);
	job->urgent = (int)store_i64(s, g, 6);
	store_copy(s, g, 7, job->tokens, sizeof job->tokens);
	store_done(s, g);
	return 0;
}

/* --- what stands on it (docs/labels.md) */

/* The serials of the application's tokens as they are now, a JSON array as text. 0 or MINT_MEMORY. */
static int
serials_now(struct queue *queue, int64_t application, char *text, size_t text_bytes)
{
	enum queue_statement g = QUEUE_tokens_of_application;
	json_t *serials = json_array();
	size_t length;
	int r = store_get(queue->store, g, "i", application);

	for (; r == 0; r = store_next(queue->store, g))
		json_array_append_new(serials, json_string(store_text(queue->store, g, 0)));
	length = json_dumpb(serials, text, text_bytes - 1, JSON_COMPACT);
	json_decref(serials);
	if (length == 0 || length >= text_bytes)
		return MINT_MEMORY;
	text[length] = '\0';
	return 0;
}

static void
say_text(json_t *label, const char *name, const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	if (text)
		json_object_set_new(label, name, json_string(text));
}

static void
say_address(json_t *label, const json_t *delivery)
{
	static const char *const parts[] = { "province", "city", "district", "address" };
	char address[1024] = "";
	size_t used = 0;
	const char *last = "";

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const char *part = json_string_value(json_object_get(delivery, parts[i]));

		if (!part || strcmp(part, last) == 0) /* a municipality stands twice */
			continue;
		used += (size_t)snprintf(address + used, sizeof address - used, "%s", part);
		if (used >= sizeof address)
			used = sizeof address - 1;
		last = part;
	}
	json_object_set_new(label, "address", json_string(address));
}

/* The slip is for the person who applied, the label for whom the parcel is sent to. */
static void
say_recipient(json_t *label, const json_t *record, int on_site)
{
	const json_t *person = json_object_get(record, "person");
	const json_t *delivery = json_object_get(record, "delivery");

	if (on_site) {
		say_text(label, "name", person, "name");
		say_text(label, "phone", person, "phone");
		say_text(label, "collection_point", delivery, "collection_point");
		return;
	}
	say_text(label, "name", delivery, "recipient");
	say_text(label, "phone", delivery, "phone");
	say_address(label, delivery);
	/* Freight is the recipient's unless the record says otherwise (schemas/application.def). */
	json_object_set_new(label, "freight_collect", json_boolean(!json_is_false(json_object_get(delivery, "freight_collect"))));
}

static char *
compose(struct queue *queue, const struct job *job)
{
	int on_site = strcmp(job->delivery, "on_site") == 0;
	json_t *record = NULL, *label = NULL;
	char *text = NULL;

	if (store_get(queue->store, QUEUE_person_record, "i", job->application) != 0)
		return NULL;
	record = json_loads(store_text(queue->store, QUEUE_person_record, 0), JSON_REJECT_DUPLICATES, NULL);
	store_done(queue->store, QUEUE_person_record);
	label = json_object();
	if (record && label) {
		json_object_set_new(label, "kind", json_string(on_site ? "collection" : "shipping"));
		json_object_set_new(label, "application", json_string(job->reference));
		say_text(label, "organisation", json_object_get(record, "organisation"), "name");
		say_recipient(label, record, on_site);
		json_object_set_new(label, "tokens", json_loads(job->tokens, 0, NULL));
		json_object_set_new(label, "printed_at", json_integer(job->made_at));
		json_object_set_new(label, "copy", json_integer(job->copy));
		json_object_set_new(label, "urgent", json_boolean(job->urgent));
		text = json_dumps(label, JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(record);
	json_decref(label);
	return text;
}

/* --- sending */

static struct ipc *
printer(const struct queue *queue)
{
	return queue->peers[PROGRAM_LABEL].ipc;
}

static int
send_job(struct queue *queue, struct job *job)
{
	struct message message = { .type = MESSAGE_print };
	char *label;
	int r = job->tokens[0] ? 0 : serials_now(queue, job->application, job->tokens, sizeof job->tokens);

	label = r == 0 ? compose(queue, job) : NULL;
	if (!label) {
		log_error("print job %lld: its label cannot be composed: is the record erased?", (long long)job->id);
		r = store_run(queue->store, QUEUE_print_job_error, "iss", job->id, "NOT_FOUND", "the record for the label is not there");
		return r == 0 ? states_apply(queue, MACHINE_print_job, job->id, "fail", "NOT_FOUND") : r;
	}
	message.print = (struct message_print){ .job = (uint64_t)job->id, .label = label };
	r = store_run(queue->store, QUEUE_print_job_sent, "is", job->id, job->tokens);
	if (r == 0)
		r = turn_send(queue, printer(queue), &message);
	OPENSSL_cleanse(label, strlen(label));
	free(label);
	return r;
}

static int
push_waiting(struct queue *queue, int64_t id)
{
	struct job job;
	int r;

	if (!printer(queue))
		return 0;
	r = load(queue, id, &job);
	if (r == 0)
		r = states_apply(queue, MACHINE_print_job, id, "send", NULL);
	return r == 0 ? send_job(queue, &job) : r;
}

static int
add_job(struct queue *queue, int64_t application, int copy)
{
	int64_t parcel = store_value(queue->store, QUEUE_parcel_of_application, 0, "i", application);
	int r = store_run(queue->store, QUEUE_print_job_add, "idi", parcel, copy, queue_now(queue));

	return r == 0 ? push_waiting(queue, store_last_id(queue->store)) : r;
}

/* The newest job of the application; MINT_NOT_FOUND before there is one. */
static int
last_job(struct queue *queue, int64_t application, struct job *job)
{
	int64_t id = store_value(queue->store, QUEUE_print_job_last, 0, "i", application);

	return id ? load(queue, id, job) : MINT_NOT_FOUND;
}

int
label_order(struct queue *queue, int64_t application)
{
	char serials[2048];
	struct job job;
	int r = last_job(queue, application, &job);

	if (r == MINT_NOT_FOUND)
		return add_job(queue, application, 0);
	if (r == 0)
		r = serials_now(queue, application, serials, sizeof serials);
	if (r != 0 || !job.tokens[0] || strcmp(job.tokens, serials) == 0)
		return r;
	return add_job(queue, application, job.copy + 1);
}

int
label_retry(struct queue *queue, int64_t application)
{
	struct job job;
	int r = last_job(queue, application, &job);

	if (r == MINT_NOT_FOUND || (r == 0 && job.state != STATE_print_job_failed))
		return 0;
	if (r == 0)
		r = states_apply(queue, MACHINE_print_job, job.id, "retry", NULL);
	return r == 0 ? push_waiting(queue, job.id) : r;
}

int
label_reprint(struct queue *queue, int64_t application)
{
	struct job job;
	int r = last_job(queue, application, &job);

	if (r != 0)
		return r;
	if (job.state == STATE_print_job_failed)
		return label_retry(queue, application);
	if (job.state == STATE_print_job_unknown)
		r = states_apply(queue, MACHINE_print_job, job.id, "fail", NULL);
	else if (job.state != STATE_print_job_printed)
		return MINT_BUSY; /* it is on its way */
	return r == 0 ? add_job(queue, application, job.copy + 1) : r;
}

int
label_settle(struct queue *queue, int64_t application)
{
	struct job job;
	int r = last_job(queue, application, &job);

	if (r == 0)
		r = states_apply(queue, MACHINE_print_job, job.id, "settle", NULL);
	return r == 0 ? finish_check(queue, application) : r;
}

/* --- answers */

static int
on_printed(struct queue *queue, const struct job *job, const struct message_printed *printed)
{
	int r;

	if (job->state != STATE_print_job_printing)
		return 0; /* answered before */
	r = store_run(queue->store, QUEUE_print_job_printed, "ibsi", job->id, &printed->sha256, printed->place, queue_now(queue));
	if (r == 0)
		r = states_apply(queue, MACHINE_print_job, job->id, "printed", NULL);
	return r == 0 ? finish_check(queue, job->application) : r;
}

static int
on_failed(struct queue *queue, const struct job *job, const struct message_print_failed *failed)
{
	int error = -(int)failed->error;
	const char *name = error_info(error)->name;
	const char *event = error == MINT_PRINTER ? "again" : error == MINT_PRINTER_UNKNOWN ? "doubt" : "fail";
	int r;

	if (job->state != STATE_print_job_printing)
		return 0;
	log_warning("application %lld: label: %s: %s", (long long)job->application, name, failed->detail);
	r = store_run(queue->store, QUEUE_print_job_error, "iss", job->id, name, failed->detail);
	return r == 0 ? states_apply(queue, MACHINE_print_job, job->id, event, name) : r;
}

int
label_message(struct queue *queue, const struct message *message)
{
	struct job job;
	/* Both answers begin with the job. */
	int r = load(queue, (int64_t)message->printed.job, &job);

	if (r == MINT_NOT_FOUND)
		return MINT_PROTOCOL;
	if (r != 0)
		return r;
	if (message->type == MESSAGE_printed)
		return on_printed(queue, &job, &message->printed);
	if (message->type == MESSAGE_print_failed)
		return on_failed(queue, &job, &message->print_failed);
	return MINT_PROTOCOL;
}

/* --- again */

/* What was sent before this time and has no answer is sent once more. */
static int
push_printing(struct queue *queue, int64_t before)
{
	struct job job;
	int64_t id = 0;
	int r = 0;

	while (r == 0 && (id = store_value(queue->store, QUEUE_print_job_printing, 0, "ii", id, before)) != 0) {
		r = load(queue, id, &job);
		if (r == 0)
			r = send_job(queue, &job);
	}
	return r;
}

int
label_connected(struct queue *queue)
{
	int r = push_printing(queue, INT64_MAX);

	return r == 0 ? label_chores(queue) : r;
}

int
label_chores(struct queue *queue)
{
	int64_t id = 0;
	int r = push_printing(queue, queue_now(queue) - (int64_t)steps[STEP_label].timeout_ms * 1000);

	while (r == 0 && printer(queue) && (id = store_value(queue->store, QUEUE_print_job_waiting, 0, "i", id)) != 0)
		r = push_waiting(queue, id);
	return r;
}

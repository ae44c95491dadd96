/* Step `survey`: all that a token and its module tell of themselves, for the person who writes a model profile. No PIN is given.
 *
 *   {"module":{"path","manufacturer","description","version"},
 *    "token":{"label","manufacturer","model","serial","hardware","firmware","pin_min","pin_max","initialised","user_pin_set"},
 *    "mechanisms":[{"name","number","min","max","generate","sign"}…],
 *    "key_types":[…],                     types of ours that the module says it generates
 *    "objects":{"private key":0,…}}       what shows without a login
 */
#include "hostd/worker/worker.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/module.h"
#include "pkcs11/object.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { MECHANISMS_MAX = 256 };

static json_t *
module_json(struct worker *worker)
{
	struct module_facts facts;

	if (module_facts(worker->module, &facts) != 0)
		return json_object();
	return json_pack("{s:s,s:s,s:s}", "manufacturer", facts.manufacturer, "description", facts.description, "version", facts.version);
}

static json_t *
token_json(const struct token_facts *facts)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:b,s:b}", "reader", facts->reader, "label", facts->label, "manufacturer",
	    facts->manufacturer, "model", facts->model, "serial", facts->serial, "hardware", facts->hardware, "firmware", facts->firmware,
	    "pin_min", (int)facts->pin_min_len, "pin_max", (int)facts->pin_max_len, "initialised",
	    (facts->flags & TOKEN_INITIALISED) != 0, "user_pin_set", (facts->flags & TOKEN_PIN_SET) != 0);
}

static json_t *
mechanisms_json(struct worker *worker, int64_t deadline_ms)
{
	struct mechanism_facts *list = calloc(MECHANISMS_MAX, sizeof *list);
	json_t *array = json_array();
	size_t count = 0;

	if (list && token_mechanisms(worker->token, list, MECHANISMS_MAX, &count, deadline_ms) == 0)
		for (size_t i = 0; i < count && i < MECHANISMS_MAX; i++)
			json_array_append_new(array, json_pack("{s:s,s:I,s:I,s:I,s:b,s:b}", "name", list[i].name, "number",
			    (json_int_t)list[i].number, "min", (json_int_t)list[i].min_bits, "max", (json_int_t)list[i].max_bits, "generate",
			    (list[i].flags & MECHANISM_GENERATE_KEY_PAIR) != 0, "sign", (list[i].flags & MECHANISM_SIGN) != 0));
	free(list);
	return array;
}

static json_t *
key_types_json(struct worker *worker, int64_t deadline_ms)
{
	json_t *array = json_array();
	const struct key_type *type;

	for (unsigned n = 0; (type = key_type_at(n)); n++)
		if (key_type_offered(worker->token, type, deadline_ms) == 0)
			json_array_append_new(array, json_string(key_type_name(type)));
	return array;
}

/* A blank token may have no sessions, and then no objects. */
static json_t *
objects_json(struct worker *worker, int64_t deadline_ms)
{
	json_t *object = json_object();

	if (access_open(worker, deadline_ms) != 0)
		return object;
	for (enum object_class class = 0; class < OBJECT_CLASSES; class ++) {
		struct object_facts none;
		size_t count = 0;

		if (object_list(worker->session, class, &none, 0, &count, deadline_ms) == 0)
			json_object_set_new(object, object_class_name(class), json_integer((json_int_t)count));
	}
	return object;
}

int
step_survey(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	int64_t deadline_ms = worker_step_deadline(worker);
	int r = access_token(worker, deadline_ms);
	json_t *found;
	char *text;

	if (r != 0)
		return r;
	found = json_pack("{s:o,s:o,s:o,s:o,s:o}", "module", module_json(worker), "token", token_json(token_facts(worker->token)),
	    "mechanisms", mechanisms_json(worker, deadline_ms), "key_types", key_types_json(worker, deadline_ms), "objects",
	    objects_json(worker, deadline_ms));
	text = found ? json_dumps(found, JSON_COMPACT) : NULL;
	json_decref(found);
	keep->one = text ? (uint8_t *)OPENSSL_strdup(text) : NULL;
	free(text);
	if (!keep->one)
		return worker_fail(worker, MINT_MEMORY, "no room for the survey");
	answer->type = MESSAGE_surveyed;
	answer->surveyed = (struct message_surveyed){ .journal = message->survey.journal, .found = (const char *)keep->one };
	return 0;
}

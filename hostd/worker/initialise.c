/* Step `initialise`: whatever may be erased is erased, then the profile's commands make the token ours. Each command is a program
 * (pkcs15-init) or a call of the PKCS#11 module.
 *
 * If power fails here the token is blank, half-made, made, or, with erasing that takes many commands, something that no driver
 * recognises. The record knows that this step was begun, and begins it again.
 */
#include "hostd/base/clock.h"
#include "hostd/worker/child.h"
#include "hostd/worker/worker.h"
#include "pkcs11/session.h"
#include "pkcs11/token.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 64, DRIVER_BLANKS_MAX = 8 };

/* Codes of one initialisation. */
struct plan {
	struct model_texts texts;
	char               key_id[2 * sizeof(((struct worker *)0)->key_id) + 1]; /* hex */
	int                key_timeout_ms; /* of the key pair, where a command makes it */
	struct codes       fresh;          /* what the token is to get */
	struct codes       old;            /* what may be on it: known from the record, or the factory's */
	const char        *given;          /* SO-PIN that a person has given for it; "" when none */
};

static void
plan_texts(const struct worker *worker, struct plan *plan, const char *label, const uint8_t *key_id, size_t key_id_length)
{
	for (size_t i = 0; i < key_id_length && i < sizeof plan->key_id / 2; i++)
		snprintf(plan->key_id + 2 * i, 3, "%02x", key_id[i]);
	plan->texts = (struct model_texts){
		.label = label, .reader = worker->reader, .serial = worker->serial, .key = "", .key_id = plan->key_id,
		.profile = "pkcs15",
	};
}

/* A model that makes the key with all else must know the type. */
static int
plan_key(struct worker *worker, struct plan *plan, const char *type, uint32_t subject_bytes)
{
	const struct model_key *key = model_key(worker->model, type);
	int most = worker->model->subject_max;

	if (!key && *type)
		return worker_fail(worker, MINT_TOKEN_MECHANISM, "model %s has no key type %s", worker->model->name, type);
	if (most && subject_bytes > (uint32_t)most)
		plan->texts.profile = "pkcs15+long";
	if (key)
		plan->texts.key = key->name;
	if (key && model_initialise_makes_key(worker->model, type))
		plan->key_timeout_ms = key->timeout_ms;
	return 0;
}

/* --- one command */

static int
run_program(struct worker *worker, const struct model_command *command, const struct plan *plan, const struct codes *codes)
{
	int timeout_ms = command->timeout_ms + plan->key_timeout_ms;
	struct child_order order = {
		.variables = worker->place->environment, .codes = codes, .prompts = command->prompts,
		.prompt_count = command->prompt_count, .timeout_ms = timeout_ms,
	};
	char *arguments[ARGUMENTS_MAX] = { NULL }, said[300];
	int64_t begun_us;
	int count = 0, r = MINT_MEMORY;

	for (; count < ARGUMENTS_MAX - 1 && command->arguments[count]; count++) {
		arguments[count] = model_expand(command->arguments[count], &plan->texts);
		if (!arguments[count])
			goto out;
	}
	order.arguments = (const char *const *)arguments;
	worker_deadline(worker, timeout_ms);
	begun_us = clock_monotonic_us();
	r = child_run(&order, said, sizeof said);
	if (plan->key_timeout_ms)
		worker->made_us = clock_monotonic_us() - begun_us;
	if (r != 0)
		worker_fail(worker, r, "%s: %s", command->title, said[0] ? said : "said nothing");
out:
	while (count-- > 0)
		free(arguments[count]);
	return r;
}

/* From the SO-PIN that C_InitToken was given to the one that is to stay. */
static int
change_so_pin(struct worker *worker, const char *from, const char *to, int64_t deadline_ms)
{
	int r = access_open(worker, deadline_ms);

	if (r == 0)
		r = session_login(worker->session, SESSION_SO, from, strlen(from), deadline_ms);
	if (r == 0)
		r = session_change_pin(worker->session, from, strlen(from), to, strlen(to), deadline_ms);
	if (r == 0)
		r = session_logout(worker->session, deadline_ms);
	return r == 0 ? 0 : access_failed(worker, r);
}

static bool
is_among(const char *const *texts, size_t count, const char *text)
{
	while (count > 0)
		if (strcmp(texts[--count], text) == 0)
			return true;
	return false;
}

/* C_InitToken asks for the SO-PIN of a token that has one (PKCS#11 2.40, section 5.5). Which one that is may be in doubt after an
 * interruption: the candidates are tried in turn, and never with the last try. */
static int
init_token(struct worker *worker, const struct plan *plan, int64_t deadline_ms)
{
	const char *const candidates[] = { plan->given, plan->old.text[CODE_SO_PIN], worker->model->codes[CODE_SO_PIN].factory };
	const char *fresh = plan->fresh.text[CODE_SO_PIN], *taken = fresh;
	int r = access_token(worker, deadline_ms);

	if (r == 0 && !(token_facts(worker->token)->flags & TOKEN_INITIALISED)) {
		r = token_initialise(worker->token, fresh, strlen(fresh), plan->texts.label, deadline_ms);
		return r == 0 ? 0 : access_failed(worker, r);
	}
	if (r == 0)
		r = worker_fail(worker, MINT_CODE_UNKNOWN, "the SO-PIN that the token has is not known here");
	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0] && (r == MINT_CODE_UNKNOWN || r == MINT_PIN_WRONG); i++) {
		taken = candidates[i];
		if (!taken[0] || is_among(candidates, i, taken))
			continue;
		r = access_may_try(worker, CODE_SO_PIN, deadline_ms);
		if (r == 0)
			r = token_initialise(worker->token, taken, strlen(taken), plan->texts.label, deadline_ms);
		access_tried(worker, CODE_SO_PIN, r);
		if (r != 0 && r != MINT_PIN_LOCKED)
			access_failed(worker, r);
	}
	return r != 0 || strcmp(taken, fresh) == 0 ? r : change_so_pin(worker, taken, fresh, deadline_ms);
}

static int
init_pin(struct worker *worker, const struct codes *codes, int64_t deadline_ms)
{
	const char *so_pin = codes->text[CODE_SO_PIN], *pin = codes->text[CODE_USER_PIN];
	int r = access_open(worker, deadline_ms);

	if (r == 0)
		r = access_may_try(worker, CODE_SO_PIN, deadline_ms);
	if (r != 0)
		return r;
	r = session_login(worker->session, SESSION_SO, so_pin, strlen(so_pin), deadline_ms);
	if (r == 0)
		r = session_set_user_pin(worker->session, pin, strlen(pin), deadline_ms);
	if (r == 0)
		r = session_logout(worker->session, deadline_ms);
	return r == 0 ? 0 : access_failed(worker, r);
}

static int
call_module(struct worker *worker, const struct model_command *command, const struct plan *plan)
{
	int64_t deadline_ms = worker_deadline(worker, command->timeout_ms);
	int r = MINT_ARGUMENT;

	if (command->call == CALL_INIT_TOKEN)
		r = init_token(worker, plan, deadline_ms);
	else if (command->call == CALL_INIT_PIN)
		r = init_pin(worker, &plan->fresh, deadline_ms);
	access_close(worker); /* a module that is opened anew shows what is really on the token */
	return r;
}

static int
send_to_card(struct worker *worker, const struct model_command *command, enum card_stage *stage)
{
	const char *why = "";
	int r;

	access_close(worker);
	worker_deadline(worker, command->timeout_ms);
	r = card_send(worker->reader, &worker->model->probe, worker->serial, command->apdus, command->apdu_count, stage, &why);
	return r == 0 ? 0 : worker_fail(worker, r, "%s: %s", command->title, why);
}

/* --- lists of commands */

static int
make(struct worker *worker, const struct plan *plan, enum card_stage *stage)
{
	const struct model_commands *commands = &worker->model->initialise;
	int r = 0;

	*stage = CARD_NOT_SAID;
	for (size_t i = 0; i < commands->count && r == 0; i++) {
		const struct model_command *command = &commands->list[i];

		if (command->call != CALL_NONE)
			r = call_module(worker, command, plan);
		else if (command->apdu_count > 0)
			r = send_to_card(worker, command, stage);
		else
			r = run_program(worker, command, plan, &plan->fresh);
	}
	return r;
}

/* What a program wants of codes is there, or nothing is tried. */
static int
knows_codes(struct worker *worker, const struct model_command *command, const struct codes *codes)
{
	enum code missing = model_command_lacking(command, codes->text);

	if (missing == CODES)
		return 0;
	return worker_fail(worker, MINT_CODE_UNKNOWN, "%s: the %s of this token is not known here", command->title, code_name(missing));
}

/* C_InitToken is no erasing of its own: `make` calls it and finds the old code in the plan. */
static int
unmake(struct worker *worker, const struct model_commands *commands, const struct plan *plan, const struct codes *old, bool *blank)
{
	int r = 0;

	*blank = false;
	for (size_t i = 0; i < commands->count && r == 0; i++) {
		const struct model_command *command = &commands->list[i];

		if (command->call != CALL_NONE)
			continue;
		*blank = true;
		r = knows_codes(worker, command, old);
		if (r == 0)
			r = run_program(worker, command, plan, old);
	}
	return r;
}

/* --- erasing */

static int
may_try_so_pin(struct worker *worker, const struct card_look *look)
{
	if (look->so_tries > 1)
		return 0;
	return worker_fail(worker, MINT_PIN_LOCKED, "the so-pin has one try left or none: it was not used");
}

/* The code that a person gave comes first. It is another one by now where the token has been made anew since, and the power failed:
 * then the card counts a try less, and the record's is the right one. */
static int
unmake_locked(struct worker *worker, const struct plan *plan, bool *blank)
{
	const struct model_commands *commands = &worker->model->erase;
	struct card_look before, after;
	struct codes codes = plan->old;
	int r = access_look_tries(worker, &before);

	if (r == 0)
		r = may_try_so_pin(worker, &before);
	if (plan->given[0])
		snprintf(codes.text[CODE_SO_PIN], sizeof codes.text[CODE_SO_PIN], "%s", plan->given);
	if (r == 0)
		r = unmake(worker, commands, plan, &codes, blank);
	codes_wipe(&codes);
	if (r == 0 || !plan->given[0] || !plan->old.text[CODE_SO_PIN][0])
		return r;
	if (access_look_tries(worker, &after) != 0 || after.so_tries >= before.so_tries)
		return r;
	r = may_try_so_pin(worker, &after);
	return r == 0 ? unmake(worker, commands, plan, &plan->old, blank) : r;
}

static int
erase(struct worker *worker, enum card_stage stage, const struct plan *plan)
{
	const struct model *model = worker->model;
	bool blank = false, half = stage == CARD_HALF && model->erase_half.count > 0;
	struct card_look look;
	int r;

	if (!half && model->erase.count == 0)
		return worker_fail(worker, MINT_TOKEN_INIT, "model %s cannot be erased", model->name);
	r = half ? unmake(worker, &model->erase_half, plan, &plan->old, &blank) : unmake_locked(worker, plan, &blank);
	if (r != 0 || !blank)
		return r;
	r = access_look(worker, &look);
	if (r == 0 && look.stage != CARD_BLANK && look.stage != CARD_NOT_SAID)
		r = worker_fail(worker, MINT_TOKEN_INIT, "the token is not blank after erasing");
	return r;
}

/* What may be on a token that is not blank. A half-made one may take no PIN at all, and codes for it need not be on record. */
static int
take_old_codes(struct worker *worker, const struct message_initialise *order, struct plan *plan)
{
	int r = order->old_codes.length > 0 ? access_codes(worker, &order->old_codes, &plan->old) : 0;

	if (strlen(order->so_pin) > MODEL_CODE_MAX)
		return worker_fail(worker, MINT_CODE_UNKNOWN, "the so-pin that was given has more than %d characters", MODEL_CODE_MAX);
	plan->given = order->so_pin;
	codes_fill_factory(worker->model, &plan->old);
	return r;
}

/* --- the step */

/* What the card itself does not say, the probe of this process has found by the module. */
static enum card_stage
stage_of(const struct worker *worker, const struct card_look *look)
{
	if (look->stage != CARD_NOT_SAID)
		return look->stage;
	return worker->content == CONTENT_BLANK ? CARD_BLANK : worker->content == CONTENT_HALF ? CARD_HALF : CARD_FINISHED;
}

/* What the token says of itself once it has been made: finished, and ours. `said` is what it has said already. */
static int
check_initialised(struct worker *worker, const char *label, enum card_stage said)
{
	struct card_look look = { .stage = said };
	int r = 0;

	access_close(worker);
	snprintf(worker->label, sizeof worker->label, "%s", label);
	if (said == CARD_NOT_SAID)
		r = access_look(worker, &look);
	if (r == 0 && look.stage == CARD_NOT_SAID)
		r = access_marked(worker, worker_step_deadline(worker), &look.stage);
	if (r == 0 && look.stage != CARD_FINISHED)
		r = worker_fail(worker, MINT_TOKEN_INIT, "the token is not finished after its initialisation");
	return r;
}

int
step_initialise(struct worker *worker, const struct message *message, struct message *answer, struct step_keep *keep)
{
	const struct message_initialise *order = &message->initialise;
	struct plan plan = { .given = "" };
	struct card_look look = { .stage = CARD_BLANK };
	enum card_stage said;
	int r;

	(void)keep;
	access_close(worker); /* the reader belongs to the child now */
	plan_texts(worker, &plan, order->label, order->key_id.data, order->key_id.length);
	r = plan_key(worker, &plan, order->key_type, order->subject_bytes);
	if (r == 0)
		r = access_codes(worker, &order->codes, &plan.fresh);
	/* Once more, though this process has just seen it: another blank token in its place would be made with this one's codes. */
	if (r == 0)
		r = access_look(worker, &look);
	if (r == 0 && stage_of(worker, &look) != CARD_BLANK) {
		r = order->erase ? take_old_codes(worker, order, &plan)
		                 : worker_fail(worker, MINT_REFUSED, "the token is not blank, and no erasing was ordered");
		if (r == 0)
			r = access_or_gone(worker, erase(worker, stage_of(worker, &look), &plan));
	} else if (r == 0) {
		codes_fill_factory(worker->model, &plan.old);
	}
	if (r == 0)
		r = access_or_gone(worker, make(worker, &plan, &said));
	codes_wipe(&plan.fresh);
	codes_wipe(&plan.old);
	if (r == 0)
		r = check_initialised(worker, order->label, said);
	answer->type = MESSAGE_initialised;
	answer->initialised = (struct message_initialised){
		.journal = order->journal, .serial = worker->serial, .label = worker->label,
	};
	return r;
}

/* --- asking a card through its driver */

/* "00 A4 …" as opensc-tool wants it: "00:A4:…". */
static void
write_apdu(const struct model_bytes *bytes, char *text)
{
	for (size_t i = 0; i < bytes->length; i++)
		text += sprintf(text, "%s%02X", i ? ":" : "", bytes->data[i]);
}

/* opensc-tool says "Received (SW1=0x6A, SW2=0x82)" for each; 6A83 does as well. */
static unsigned
count_not_found(const char *said)
{
	unsigned count = 0;

	for (const char *at = said; (at = strstr(at, "SW1=0x6A, SW2=0x8")); at += 17)
		count += at[17] == '2' || at[17] == '3';
	return count;
}

int
access_blank_by_driver(struct worker *worker, enum card_stage *stage)
{
	const struct model_probe *probe = &worker->model->probe;
	const char *arguments[6 + 2 * DRIVER_BLANKS_MAX] = { "opensc-tool", "--reader", worker->reader };
	char apdus[DRIVER_BLANKS_MAX][3 * MODEL_APDU_MAX + 1], said[1024];
	const struct codes none = { 0 };
	struct child_order order = {
		.arguments = arguments, .variables = worker->place->environment, .codes = &none, .timeout_ms = worker->model->step_timeout_ms,
	};
	size_t count = 3;
	int r;

	for (size_t i = 0; i < probe->blank_count && i < DRIVER_BLANKS_MAX; i++) {
		write_apdu(&probe->blank[i], apdus[i]);
		arguments[count++] = "--send-apdu";
		arguments[count++] = apdus[i];
	}
	worker_deadline(worker, order.timeout_ms);
	r = child_run(&order, said, sizeof said);
	if (r != 0)
		return worker_fail(worker, r == MINT_TOKEN_INIT ? MINT_TOKEN_ERROR : r, "opensc-tool: %s", said[0] ? said : "said nothing");
	*stage = count_not_found(said) == probe->blank_count ? CARD_BLANK : CARD_NOT_SAID;
	return 0;
}

/* --- giving a code its tries back */

int
access_unblock(struct worker *worker, enum code code, const struct codes *codes)
{
	const struct model_command *command = model_unblock(worker->model, code);
	struct plan plan = { .fresh = *codes, .given = "" };
	int r;

	if (!command || worker->unblocked & 1u << code) {
		codes_wipe(&plan.fresh);
		return worker_fail(worker, MINT_PIN_LOCKED, "the %s has one try left or none: it was not used", code_name(code));
	}
	worker->unblocked |= 1u << code;
	worker->tries[code] = TRIES_NOT_SAID;
	access_close(worker);
	plan_texts(worker, &plan, worker->label, worker->key_id, worker->key_id_length);
	r = command->call == CALL_NONE ? run_program(worker, command, &plan, codes) : call_module(worker, command, &plan);
	codes_wipe(&plan.fresh);
	return r == MINT_TOKEN_INIT ? MINT_PIN_LOCKED : r; /* the detail says what the program said */
}

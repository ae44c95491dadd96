/* What fails, fails alone: tokens, workers, the CA, one step at a time. */
#include "tests/unit/queue_stage.h"
#include "hostd/base/clock.h"

#include <event2/event.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

static void
begin(struct stage *stage)
{
	stage_open(stage);
	stage_start(stage);
	stage_import(stage, "uid:1000(op)", "SQ-1", 1, "");
	stage_run(stage);
}

static int
set_up(void **state)
{
	*state = calloc(1, sizeof(struct stage));
	begin(*state);
	return 0;
}

static int
tear_down(void **state)
{
	stage_check_laws(*state);
	stage_close(*state);
	free(*state);
	return 0;
}

/* What the hooks below wait for, and what they do when it comes. */
static enum message_type trap;
static int trap_error, trap_fault, trap_times;

static uint64_t
journal_of(const struct message *message)
{
	return message->burned.journal; /* every step's order begins with it */
}

static int
fail_at_trap(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != trap || stage->hook_count >= trap_times)
		return 0;
	stage->hook_count++;
	stage_fail(bay, journal_of(message), trap_error, trap_fault);
	return 1;
}

static int
die_at_trap(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != trap || stage->hook_count >= trap_times)
		return 0;
	stage->hook_count++;
	stage_exit(stage, bay, 11);
	return 1;
}

static void
set_trap(struct stage *stage, stage_hook *hook, enum message_type type, int error, int fault, int times)
{
	stage->hook = hook;
	stage->hook_count = 0;
	trap = type;
	trap_error = error;
	trap_fault = fault;
	trap_times = times;
}

/* --- the token's fault */

static const enum message_type worker_steps[] = {
	MESSAGE_initialise, MESSAGE_make_key, MESSAGE_make_request, MESSAGE_burn, MESSAGE_prove, MESSAGE_seal,
};
enum { WORKER_STEPS = sizeof worker_steps / sizeof worker_steps[0], FIRST_WITH_CERTIFICATE = 3 };

static void
failed_token_is_quarantined_and_another_one_takes_over(void **state)
{
	struct stage *stage = *state;

	for (int i = 0; i < WORKER_STEPS; i++) {
		stage_close(stage);
		begin(stage);
		set_trap(stage, fail_at_trap, worker_steps[i], MINT_TOKEN_ERROR, FAULT_TOKEN, 1);
		stage_insert(stage, 0, 0);
		stage_run(stage);
		assert_sql(stage, "quarantined", "SELECT state FROM token WHERE serial = 'A000'");
		assert_sql(stage, "trouble TOKEN_ERROR", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
		assert_sql(stage, i >= FIRST_WITH_CERTIFICATE ? "1" : "0", "SELECT count(*) FROM certificate WHERE state = 'revoked'");
		assert_int_equal(stage->issued_count > 0 && stage->issued[0].revoked, i >= FIRST_WITH_CERTIFICATE);
		stage_operate(stage);
		assert_sql(stage, "issued", "SELECT state FROM application");
		assert_sql(stage, "failed packed", "SELECT group_concat(outcome, ' ') FROM token_use");
		stage_check_laws(stage);
	}
}

static void
credential_is_parked_after_its_last_token_and_goes_on_when_a_person_says_so(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, fail_at_trap, MESSAGE_burn, MINT_TOKEN_FULL, FAULT_TOKEN, 3);
	stage_operate(stage);
	assert_sql(stage, "parked TOKEN_FULL waiting", "SELECT state || ' ' || parked_error || ' ' || parked_from FROM credential");
	assert_sql(stage, "3", "SELECT count(*) FROM certificate WHERE state = 'revoked'");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "resolve", "SQ-1-01", "{\"as\":\"retry\",\"why\":\"new lot\"}"), 0);
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static int
sign_badly(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_proved };
	uint8_t hash[32], challenge[32] = { 1 }, signature[64] = { 2 };
	const struct stage_token *token = bay && bay->token >= 0 ? &stage->tokens[bay->token] : NULL;

	if (!token || message->type != MESSAGE_prove || stage->hook_count++)
		return 0;
	EVP_Digest(token->certificate, token->certificate_bytes, hash, NULL, EVP_sha256(), NULL);
	answer.proved = (struct message_proved){
		.journal = message->prove.journal, .certificate_sha256 = { hash, 32 }, .challenge = { challenge, 32 },
		.signature = { signature, 64 }, .codes_left = 3, .envelope = { hash, 32 },
	};
	stage_say(bay->fd, &answer);
	return 1;
}

static void
proof_is_checked_not_believed(void **state)
{
	struct stage *stage = *state;

	stage->hook = sign_badly;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "PROOF_CHALLENGE", "SELECT failed_error FROM token");
	assert_sql(stage, "0", "SELECT count(*) FROM proof");
	assert_int_equal(stage->issued[0].revoked, 1);
}

/* What it has read, and what it signs with, are good; only that it read another certificate than ours. */
static int
read_another_certificate(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct stage_token *token = bay && bay->token >= 0 ? &stage->tokens[bay->token] : NULL;

	if (token && message->type == MESSAGE_prove && stage->hook_count++ == 0)
		token->certificate[token->certificate_bytes - 1] ^= 1;
	return 0;
}

static void
proof_over_another_certificate_is_none(void **state)
{
	struct stage *stage = *state;

	stage->hook = read_another_certificate;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "quarantined PROOF_CERTIFICATE", "SELECT state || ' ' || failed_error FROM token");
	assert_sql(stage, "0", "SELECT count(*) FROM proof");
	assert_int_equal(stage->issued[0].revoked, 1);
}

static int
repeat_the_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	/* A token that makes the key which another one made before. */
	if (bay && bay->token == 1 && message->type == MESSAGE_make_key) {
		struct message answer = { .type = MESSAGE_key_made };
		uint8_t spki[1024], *at = spki;

		EVP_PKEY_up_ref(stage->tokens[0].key);
		stage->tokens[1].key = stage->tokens[0].key;
		answer.key_made = (struct message_key_made){
			.journal = message->make_key.journal, .spki = { spki, (uint32_t)i2d_PUBKEY(stage->tokens[0].key, &at) },
		};
		stage_say(bay->fd, &answer);
		return 1;
	}
	return 0;
}

static void
key_that_was_seen_before_is_refused(void **state)
{
	struct stage *stage = *state;

	stage->hook = repeat_the_key;
	stage_insert(stage, 0, 0);
	stage_import(stage, "uid:1000(op)", "SQ-2", 1, "");
	stage_run(stage);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	assert_sql(stage, "quarantined KEY_SEEN", "SELECT state || ' ' || failed_error FROM token WHERE serial = 'A001'");
	assert_sql(stage, "waiting", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
}

/* --- the host's fault, lost workers */

static void
host_fault_is_tried_again_once_on_the_same_token(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, fail_at_trap, MESSAGE_make_request, MINT_MODULE, FAULT_HOST, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

static void
second_host_fault_parks_and_retry_goes_on_with_the_same_token(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, fail_at_trap, MESSAGE_burn, MINT_MODULE, FAULT_HOST, 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "parked MODULE certified", "SELECT state || ' ' || parked_error || ' ' || parked_from FROM credential");
	assert_sql(stage, "trouble", "SELECT state FROM bay WHERE bay = 1");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "resolve", "SQ-1-01", "{\"as\":\"retry\",\"why\":\"mended\"}"), 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->issued_count, 1);
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

static void
retry_of_a_token_that_was_taken_out_waits_for_it_and_says_so(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, fail_at_trap, MESSAGE_burn, MINT_MODULE, FAULT_HOST, 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_remove(stage, 0);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "resolve", "SQ-1-01", "{\"as\":\"retry\",\"why\":\"mended\"}"), 0);
	assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential");
	stage_insert(stage, 1, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->issued_count, 1);
}

static void
lost_worker_is_replaced_and_goes_on_from_what_the_token_shows(void **state)
{
	struct stage *stage = *state;

	for (int i = 0; i < WORKER_STEPS; i++) {
		char reference[16];

		snprintf(reference, sizeof reference, "L-%d", i);
		if (i)
			stage_import(stage, "uid:1000(op)", reference, 1, "");
		stage_run(stage);
		set_trap(stage, die_at_trap, worker_steps[i], 0, 0, 1);
		stage_insert(stage, 0, i);
		stage_run(stage);
		assert_sql(stage, "sealed", "SELECT state FROM token WHERE serial = 'A00%d'", i);
		assert_int_equal(stage->tokens[i].keys_made, 1);
		stage_remove(stage, 0);
		stage_run(stage);
	}
	assert_sql(stage, "6", "SELECT count(*) FROM journal WHERE outcome = 'lost'");
}

static void
token_that_loses_its_worker_twice_at_one_step_is_quarantined(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, die_at_trap, MESSAGE_make_key, 0, 0, 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "quarantined TIMEOUT", "SELECT state || ' ' || failed_error FROM token");
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
}

static void
worker_that_dies_before_it_looked_leaves_the_bay_in_trouble(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, die_at_trap, MESSAGE_order, 0, 0, 2);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "trouble MODULE", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_sql(stage, "waiting", "SELECT state FROM credential");
}

static int
stay_silent(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	return bay && message->type == MESSAGE_make_key && stage->hook_count++ == 0;
}

static void
silent_worker_is_killed_at_its_deadline(void **state)
{
	struct stage *stage = *state;

	stage->config.step_timeout_ms = 30;
	stage->hook = stay_silent;
	stage_insert(stage, 0, 0);
	for (int i = 0; i < 200 && strcmp(stage_sql(stage, "SELECT state FROM credential"), "sealed") != 0; i++) {
		stage_run(stage);
		if (stage->hook_count == 1)
			queue_turn(stage->queue); /* waits for the deadline */
	}
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "lost done", "SELECT group_concat(outcome, ' ') FROM journal WHERE step = 'key'");
}

static int
speak_nonsense(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_burned };

	if (!bay || message->type != MESSAGE_make_key || stage->hook_count++)
		return 0;
	answer.burned.journal = journal_of(message);
	stage_say(bay->fd, &answer);
	return 1;
}

static void
worker_that_breaks_the_protocol_is_stopped_and_nothing_of_it_is_kept(void **state)
{
	struct stage *stage = *state;

	stage->hook = speak_nonsense;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "lost done", "SELECT group_concat(outcome, ' ') FROM journal WHERE step = 'key'");
}

static int
probe_under_an_earlier_lease(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_probed };

	if (!bay || message->type != MESSAGE_order || stage->hook_count++)
		return 0;
	answer.probed = (struct message_probed){
		.lease = message->order.lease - 1, .content = CONTENT_BLANK, .model = "stage", .serial = "B0B", .user_tries = TRIES_NOT_SAID,
		.so_tries = TRIES_NOT_SAID,
	};
	stage_say(bay->fd, &answer);
	return 1;
}

static void
probe_that_names_another_lease_is_refused(void **state)
{
	struct stage *stage = *state;

	stage->hook = probe_under_an_earlier_lease;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "0", "SELECT count(*) FROM token WHERE serial = 'B0B'");
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static int
answer_under_anothers_journal(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_burned };

	if (!bay || message->type != MESSAGE_burn || stage->hook_count++)
		return 0;
	answer.burned.journal = journal_of(message) - 1;
	stage_say(bay->fd, &answer);
	return 1;
}

static void
answer_to_another_intent_is_refused(void **state)
{
	struct stage *stage = *state;

	stage->hook = answer_under_anothers_journal;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "lost done", "SELECT group_concat(outcome, ' ') FROM journal WHERE step = 'burn'");
}

/* --- the token is gone */

static int
pull_at_trap(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != trap || stage->hook_count >= trap_times)
		return 0;
	stage->hook_count++;
	stage_remove(stage, (int)(bay - stage->bays));
	return 1;
}

static void
token_pulled_in_mid_work_goes_on_in_another_bay(void **state)
{
	struct stage *stage = *state;

	for (int i = 0; i < WORKER_STEPS; i++) {
		char reference[16];

		snprintf(reference, sizeof reference, "G-%d", i);
		if (i)
			stage_import(stage, "uid:1000(op)", reference, 1, "");
		stage_run(stage);
		set_trap(stage, pull_at_trap, worker_steps[i], 0, 0, 1);
		stage_insert(stage, 0, i);
		stage_run(stage);
		assert_sql(stage, "1", "SELECT count(*) FROM credential WHERE state = 'parked' AND parked_error = 'TOKEN_GONE'");
		assert_sql(stage, "empty - TOKEN_GONE", "SELECT state || ' ' || coalesce(step, '-') || ' ' || error FROM bay WHERE bay = 1");
		assert_sql(stage, "empty", "SELECT state FROM bay WHERE bay = 1");
		stage_insert(stage, 1, i);
		stage_run(stage);
		assert_sql(stage, "sealed", "SELECT state FROM token WHERE serial = 'A00%d'", i);
		assert_sql(stage, "empty -", "SELECT state || ' ' || coalesce(error, '-') FROM bay WHERE bay = 1");
		assert_int_equal(stage->tokens[i].keys_made, 1);
		stage_remove(stage, 1);
		stage_run(stage);
	}
	assert_int_equal(stage->issued_count, WORKER_STEPS);
}

static void
blank_token_in_place_of_a_pulled_one_gets_work_of_its_own(void **state)
{
	struct stage *stage = *state;

	stage_import(stage, "uid:1000(op)", "SQ-2", 1, "");
	stage_run(stage);
	set_trap(stage, pull_at_trap, MESSAGE_burn, 0, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_insert(stage, 0, 1);
	stage_run(stage);
	assert_sql(stage, "parked", "SELECT state FROM credential WHERE name = 'SQ-1-01'");
	assert_sql(stage, "sealed", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
}

static void
credential_of_a_token_gone_for_good_is_redone_and_the_first_certificate_revoked(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, pull_at_trap, MESSAGE_prove, 0, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "resolve", "SQ-1-01", "{\"as\":\"redo\",\"why\":\"lost\"}"), 0);
	assert_int_equal(stage->issued[0].revoked, 1);
	stage->tokens[0].initialised = 1; /* the operator does not find it */
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application");
	assert_sql(stage, "quarantined", "SELECT state FROM token WHERE serial = 'A000'");
	assert_int_equal(stage->issued[1].revoked, 0);
}

static void
abandoned_credential_is_revoked_and_the_rest_of_its_application_goes_out(void **state)
{
	struct stage *stage = *state;

	stage_import(stage, "uid:1000(op)", "SQ-2", 2, ",\"urgent\":true");
	stage_run(stage);
	set_trap(stage, pull_at_trap, MESSAGE_burn, 0, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "resolve", "SQ-2-01", "{\"as\":\"abandon\",\"why\":\"not wanted\"}"),
	    0);
	assert_sql(stage, "revoked", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
	stage->tokens[0].initialised = 1;
	stage_operate(stage);
	assert_sql(stage, "issued", "SELECT state FROM application WHERE reference = 'SQ-2'");
}

/* --- the order's fault */

static void
order_that_cannot_be_done_is_parked_and_its_token_serves_another(void **state)
{
	struct stage *stage = *state;

	stage_import(stage, "uid:1000(op)", "SQ-2", 1, "");
	stage_run(stage);
	set_trap(stage, fail_at_trap, MESSAGE_make_key, MINT_TOKEN_MECHANISM, FAULT_ORDER, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "parked TOKEN_MECHANISM", "SELECT state || ' ' || parked_error FROM credential WHERE name = 'SQ-1-01'");
	assert_sql(stage, "sealed", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
	assert_int_equal(stage->tokens[0].erased, 1);
}

/* --- the CA */

static void
worker_waits_while_the_ca_is_away_and_other_bays_go_on(void **state)
{
	struct stage *stage = *state;

	stage_kill(stage);
	stage->no_ca = 1;
	stage_start(stage);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	assert_sql(stage, "certify", "SELECT step FROM bay WHERE bay = 1");
	assert_sql(stage, "reserved", "SELECT state FROM certificate");
	stage_meet_ca(stage);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->issued_count, 1);
}

static int
sign_and_hang_up(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	(void)bay;
	if (message->type == MESSAGE_certify && stage->hook_count++ == 0) {
		stage_lose_ca(stage, message);
		return 1;
	}
	if (message->type == MESSAGE_certify)
		fail_msg("asked again without looking up");
	return 0;
}

static void
ca_that_is_lost_after_signing_is_looked_up_not_asked_again(void **state)
{
	struct stage *stage = *state;

	stage->hook = sign_and_hang_up;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "unknown", "SELECT state FROM certificate");
	stage_meet_ca(stage);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->issued_count, 1);
}

static int
refuse_to_certify(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_certify_refused };

	(void)bay;
	if (message->type != MESSAGE_certify || stage->hook_count++ >= trap_times)
		return 0;
	answer.certify_refused = (struct message_certify_refused){ message->certify.request_id, (uint32_t)trap_error, "no" };
	stage_say(stage->ca, &answer);
	return 1;
}

static void
refused_request_is_parked_and_the_token_is_free(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, refuse_to_certify, MESSAGE_certify, -MINT_FIELD, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "parked CA_REFUSED", "SELECT state || ' ' || parked_error FROM credential");
	assert_sql(stage, "refused", "SELECT state FROM certificate");
	assert_sql(stage, "failed CA_REFUSED", "SELECT outcome || ' ' || error FROM journal WHERE step = 'certify'");
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
	assert_int_equal(stage_command(stage, "uid:1000(op)", "release", "SQ-1", "{}"), 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].erased, 1);
}

static void
ca_that_cannot_now_is_asked_again_later(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, refuse_to_certify, MESSAGE_certify, -MINT_CLOCK, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	assert_sql(stage, "reserved CLOCK", "SELECT state || ' ' || error FROM certificate");
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].keys_made, 1);
}

static int
certify_another_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message other = *message;
	EVP_PKEY *key;
	uint8_t spki[256], *at = spki;

	(void)bay;
	if (message->type != MESSAGE_certify || stage->hook_count++)
		return 0;
	key = EVP_EC_gen("P-256");
	other.certify.request = (struct blob){ spki, (uint32_t)i2d_PUBKEY(key, &at) };
	EVP_PKEY_free(key);
	stage_certify(stage, &other);
	return 1;
}

static void
certificate_for_another_key_is_revoked_and_never_burned(void **state)
{
	struct stage *stage = *state;

	stage->hook = certify_another_key;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "parked PROOF_KEY", "SELECT state || ' ' || parked_error FROM credential");
	assert_int_equal(stage->issued[0].revoked, 1);
	assert_int_equal(stage->tokens[0].certificate_bytes, 0);
}

static int
certify_under_another_serial(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	uint8_t serial[20] = { 0x55 };
	struct message other = *message;

	(void)bay;
	if (message->type != MESSAGE_certify || stage->hook_count++)
		return 0;
	other.certify.serial = (struct blob){ serial, sizeof serial };
	stage_certify(stage, &other);
	return 1;
}

static void
certificate_under_another_serial_is_revoked_and_never_burned(void **state)
{
	struct stage *stage = *state;

	stage->hook = certify_under_another_serial;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "parked PROOF_CERTIFICATE", "SELECT state || ' ' || parked_error FROM credential");
	assert_int_equal(stage->issued[0].revoked, 1);
	assert_int_equal(stage->tokens[0].certificate_bytes, 0);
}

static int
lose_the_key(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct stage_token *token = bay && bay->token >= 0 ? &stage->tokens[bay->token] : NULL;

	if (!token || message->type != MESSAGE_make_request || stage->hook_count++)
		return 0;
	EVP_PKEY_free(token->key);
	token->key = NULL;
	token->key_id_bytes = 0;
	stage_exit(stage, bay, 9); /* a fresh worker looks */
	return 1;
}

static void
token_that_lost_its_key_before_the_request_is_made_anew(void **state)
{
	struct stage *stage = *state;

	stage->hook = lose_the_key;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[0].initialised, 2);
	assert_int_equal(stage->tokens[0].keys_made, 2);
}

/* With a certificate asked for, nothing but the key that it is for will do. */
static void
token_that_lost_its_key_after_the_request_is_given_up(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, refuse_to_certify, MESSAGE_certify, -MINT_CLOCK, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "requested", "SELECT state FROM credential");
	stage_remove(stage, 0);
	stage_run(stage);
	EVP_PKEY_free(stage->tokens[0].key);
	stage->tokens[0].key = NULL;
	stage->tokens[0].key_id_bytes = 0;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "quarantined PROOF_KEY", "SELECT state || ' ' || failed_error FROM token");
	assert_int_equal(stage->issued_count, 0);
}

static int
fail_to_revoke(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct message answer = { .type = MESSAGE_revoked };

	if (message->type != MESSAGE_revoke)
		return fail_at_trap(stage, bay, message);
	if (stage->hook_count++ > 1) /* the trap counted one */
		return 0;
	answer.revoked = (struct message_revoked){ message->revoke.request_id, (uint32_t)-MINT_STORAGE, "disk" };
	stage_say(stage->ca, &answer);
	return 1;
}

static void
credential_waits_for_no_token_until_its_certificate_is_revoked(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, fail_to_revoke, MESSAGE_burn, MINT_TOKEN_ERROR, FAULT_TOKEN, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_insert(stage, 1, 1);
	stage_run(stage);
	assert_sql(stage, "revoking", "SELECT state FROM certificate");
	assert_sql(stage, "certified redo", "SELECT state || ' ' || pending FROM credential");
	assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 2");
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "revoked", "SELECT state FROM certificate ORDER BY id LIMIT 1");
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* --- what is in a bay */

static void
token_in_the_bay_shows(struct stage *stage, int content, const char *label, const char *expected)
{
	stage->tokens[5].content = content;
	snprintf(stage->tokens[5].label, sizeof stage->tokens[5].label, "%s", label);
	stage_insert(stage, 0, 5);
	stage_run(stage);
	assert_string_equal(stage_sql(stage, "SELECT state || ' ' || error FROM bay WHERE bay = 1"), expected);
	assert_sql(stage, "waiting", "SELECT state FROM credential");
	assert_int_equal(stage->tokens[5].initialised + stage->tokens[5].erased, 0);
	stage_remove(stage, 0);
	stage_run(stage);
}

static void
tokens_of_others_are_never_touched(void **state)
{
	struct stage *stage = *state;

	token_in_the_bay_shows(stage, CONTENT_FOREIGN, "somebody", "trouble TOKEN_FOREIGN");
	token_in_the_bay_shows(stage, CONTENT_HALF, "", "trouble TOKEN_FOREIGN");
	token_in_the_bay_shows(stage, CONTENT_UNKNOWN_CARD, "", "trouble TOKEN_UNKNOWN");
	token_in_the_bay_shows(stage, CONTENT_MARKED, "MB-00000042", "trouble TOKEN_FOREIGN");
	stage->tokens[5].certificate_bytes = 3;
	token_in_the_bay_shows(stage, CONTENT_MARKED, "MB-00000043", "trouble TOKEN_LIVE");
	/* But on record, so that a person can order something about them; and known when they come back. */
	token_in_the_bay_shows(stage, CONTENT_MARKED, "MB-00000043", "trouble TOKEN_LIVE");
	token_in_the_bay_shows(stage, CONTENT_FOREIGN, "somebody", "trouble TOKEN_FOREIGN");
	assert_sql(stage, "4 quarantined", "SELECT count(*) || ' ' || max(state) FROM token");
	assert_sql(stage, "0", "SELECT count(*) FROM token_use");
}

static void
finished_token_put_back_is_left_alone(void **state)
{
	struct stage *stage = *state;

	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_remove(stage, 0);
	stage_run(stage);
	stage_import(stage, "uid:1000(op)", "SQ-2", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "take", "SELECT state FROM bay WHERE bay = 1"); /* it is good: not for the quarantine box */
	assert_int_equal(stage->tokens[0].erased, 0);
	assert_sql(stage, "waiting", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
	stage_remove(stage, 0);
	stage_run(stage);
	assert_int_equal(stage_command(stage, "uid:1000(op)", "pack", "SQ-1", "{\"tokens\":[\"A000\"]}"), 0);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "trouble TOKEN_LIVE", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_int_equal(stage->tokens[0].erased, 0);
}

static void
second_token_with_the_same_serial_is_not_taken_for_the_first(void **state)
{
	struct stage *stage = *state;

	set_trap(stage, pull_at_trap, MESSAGE_burn, 0, 0, 1);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	/* Another one of ours by its looks, the same serial and ATR, but not our marker. */
	strcpy(stage->tokens[0].label, "MB-00000099");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "trouble TOKEN_FOREIGN", "SELECT state || ' ' || error FROM bay WHERE bay = 1");
	assert_sql(stage, "parked", "SELECT state FROM credential");
	strcpy(stage->tokens[0].label, "MB-00000001");
	stage_remove(stage, 0);
	stage_run(stage);
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

/* Nothing that we do leads there: it may as well be another token with the same serial number. */
static void
blank_token_is_not_taken_for_one_that_carries_a_key(void **state)
{
	static const enum message_type at[] = { MESSAGE_make_key, MESSAGE_make_request, MESSAGE_burn };
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
		stage_close(stage);
		begin(stage);
		set_trap(stage, pull_at_trap, at[i], 0, 0, 1);
		stage_insert(stage, 0, 0);
		stage_run(stage);
		stage_blank(&stage->tokens[0]);
		stage_insert(stage, 0, 0);
		stage_run(stage);
		assert_sql(stage, "idle", "SELECT state FROM bay WHERE bay = 1");
		assert_sql(stage, "parked TOKEN_GONE", "SELECT state || ' ' || parked_error FROM credential");
		assert_sql(stage, "bound blank", "SELECT group_concat(state, ' ') FROM (SELECT state FROM token ORDER BY id)");
		assert_sql(stage, "2", "SELECT token_id FROM event WHERE kind = 'token.twin'");
		assert_int_equal(stage->issued_count > 0 && stage->issued[0].revoked, 0);
	}
}

static void
token_swapped_while_nobody_watched_is_found_out(void **state)
{
	struct stage *stage = *state;

	stage_import(stage, "uid:1000(op)", "SQ-2", 1, "");
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "take", "SELECT state FROM bay WHERE bay = 1");
	stage->bays[0].token = 1; /* the bench program is down: nothing is reported */
	stage_meet_bench(stage);
	stage_run(stage);
	assert_sql(stage, "taken", "SELECT state FROM credential WHERE name = 'SQ-1-01'");
	assert_sql(stage, "sealed", "SELECT state FROM credential WHERE name = 'SQ-2-01'");
	assert_int_equal(stage->tokens[0].erased, 0);
}

static void
new_bench_program_does_not_disturb_a_token_at_work(void **state)
{
	struct stage *stage = *state;

	stage->hook = stay_silent;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	stage_meet_bench(stage);
	stage_run(stage);
	assert_sql(stage, "working key", "SELECT state || ' ' || step FROM bay WHERE bay = 1");
	assert_sql(stage, "1", "SELECT count(*) FROM lease");
}

static void
no_certificate_is_asked_for_while_the_clock_is_behind(void **state)
{
	struct stage *stage = *state;
	int64_t hour_us = (int64_t)3600 * 1000000;

	stage->queue->clock.seen += hour_us;
	stage->queue->clock.row += hour_us;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "requested reserved", "SELECT c.state || ' ' || r.state FROM credential c, certificate r");
	stage->queue->clock.seen -= hour_us;
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
}

static void
stop_at_the_clock(struct stage *stage, int64_t ahead_us)
{
	stage->queue->clock.seen += ahead_us;
	stage->queue->clock.row += ahead_us;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	for (int i = 0; i < 3; i++) {
		event_active(stage->queue->chores, EV_TIMEOUT, 0);
		stage_run(stage);
	}
}

static const char *
date_of(int64_t utc_us)
{
	static char text[16];
	time_t s = (time_t)(utc_us / 1000000);

	strftime(text, sizeof text, "%Y-%m-%d", gmtime(&s));
	return text;
}

static void
credential_that_waits_for_the_clock_says_so_once(void **state)
{
	struct stage *stage = *state;

	stop_at_the_clock(stage, (int64_t)3600 * 1000000);
	assert_sql(stage, "reserved CLOCK", "SELECT state || ' ' || error FROM certificate WHERE cast(detail AS INTEGER) > 3500");
	assert_sql(stage, "1", "SELECT count(*) FROM event WHERE kind = 'certificate.delayed' AND error = 'CLOCK' AND credential_id = 1");
}

static void
clock_that_a_person_confirms_is_believed_and_who_and_why_is_kept(void **state)
{
	struct stage *stage = *state;
	const int64_t year_us = INT64_C(365) * 86400 * 1000000;
	const char *today;

	stop_at_the_clock(stage, year_us);
	today = date_of(clock_utc_us() + year_us);
	assert_int_equal(stage_command(stage, "uid:7(li)", "confirm", today, "{\"why\":\"watch\"}"), MINT_REFUSED);
	today = date_of(clock_utc_us());
	assert_int_equal(stage_command(stage, "uid:7(li)", "confirm", today, "{}"), MINT_ARGUMENT);
	assert_sql(stage, "reserved", "SELECT state FROM certificate");
	assert_int_equal(stage_command(stage, "uid:7(li)", "confirm", today, "{\"why\":\"watch\"}"), 0);
	assert_sql(stage, "uid:7(li) watch", "SELECT actor || ' ' || (detail ->> 'why') FROM event WHERE kind = 'command.confirm'");
	assert_sql(stage, "1", "SELECT abs(value - %lld) < 60000000 FROM fact WHERE name = 'clock'", (long long)clock_utc_us());
	event_active(stage->queue->chores, EV_TIMEOUT, 0);
	stage_run(stage);
	assert_sql(stage, "sealed", "SELECT state FROM credential");
	assert_sql(stage, "0", "SELECT count(*) FROM event e JOIN event f ON f.seq = e.seq + 1 WHERE f.at < e.at");
	assert_int_equal(stage_command(stage, "uid:7(li)", "confirm", today, "{\"why\":\"again\"}"), MINT_REFUSED);
}

/* The fact is written once a second; the rows of that second are later. */
static void
rows_after_a_restart_are_not_earlier_than_those_before_it(void **state)
{
	struct stage *stage = *state;
	sqlite3 *db;

	stop_at_the_clock(stage, INT64_C(7200000000));
	stage_kill(stage);
	assert_int_equal(sqlite3_open(stage->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE fact SET value = value - 900000 WHERE name = 'row_clock'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "0", "SELECT count(*) FROM event e JOIN event f ON f.seq = e.seq + 1 WHERE f.at < e.at");
}

static void
clock_confirmed_is_watched_on_and_a_restart_keeps_it_so(void **state)
{
	struct stage *stage = *state;

	stop_at_the_clock(stage, INT64_C(7200000000));
	assert_int_equal(stage_command(stage, "uid:7(li)", "confirm", date_of(clock_utc_us()), "{\"why\":\"watch\"}"), 0);
	stage_kill(stage);
	stage_start(stage);
	stage_run(stage);
	assert_sql(stage, "certified", "SELECT CASE WHEN state IN ('reserved', 'refused') THEN state ELSE 'certified' END FROM certificate");
	stage->queue->clock.seen += INT64_C(60000000);
	queue_now(stage->queue);
	assert_true(stage->queue->clock.back);
}

/* The set-back comes while the token is at its last steps; the rows of the proof are in the order of what happened. */
static int
set_clock_back(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != trap || stage->hook_count++)
		return 0;
	stage->queue->clock.seen += INT64_C(7200000000);
	stage->queue->clock.row += INT64_C(7200000000);
	return 0;
}

static void
proof_made_while_the_clock_is_behind_lies_in_its_step(void **state)
{
	static const enum message_type moments[] = { MESSAGE_burn, MESSAGE_prove };
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		stage_close(stage);
		begin(stage);
		set_trap(stage, set_clock_back, moments[i], 0, 0, 1);
		stage_insert(stage, 0, 0);
		stage_run(stage);
		assert_sql(stage, "sealed", "SELECT state FROM credential");
		assert_sql(stage, "1", "SELECT j.begun_at <= p.read_at AND p.read_at <= p.signed_at AND p.signed_at <= j.ended_at "
		    "AND r.signed_at <= p.read_at FROM proof p JOIN certificate r ON r.use_id = p.use_id "
		    "JOIN journal j ON j.use_id = p.use_id AND j.step = 'prove'");
		stage_check_laws(stage);
	}
}

/* A worker's word is no evidence of when: what it says is kept within its step. */
static int
prove_at_another_time(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	if (!bay || message->type != MESSAGE_prove)
		return 0;
	stage_prove_at(stage, bay, &message->prove, INT64_MAX, INT64_MIN);
	return 1;
}

static void
time_of_a_proof_is_within_its_step_whatever_the_worker_says(void **state)
{
	struct stage *stage = *state;

	stage->hook = prove_at_another_time;
	stage_insert(stage, 0, 0);
	stage_run(stage);
	assert_sql(stage, "1", "SELECT j.begun_at <= p.read_at AND p.read_at <= p.signed_at AND p.signed_at <= j.ended_at "
	    "FROM proof p JOIN journal j ON j.use_id = p.use_id AND j.step = 'prove'");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(failed_token_is_quarantined_and_another_one_takes_over),
		TEST(credential_is_parked_after_its_last_token_and_goes_on_when_a_person_says_so),
		TEST(proof_is_checked_not_believed),
		TEST(proof_over_another_certificate_is_none),
		TEST(key_that_was_seen_before_is_refused),
		TEST(host_fault_is_tried_again_once_on_the_same_token),
		TEST(second_host_fault_parks_and_retry_goes_on_with_the_same_token),
		TEST(retry_of_a_token_that_was_taken_out_waits_for_it_and_says_so),
		TEST(lost_worker_is_replaced_and_goes_on_from_what_the_token_shows),
		TEST(token_that_loses_its_worker_twice_at_one_step_is_quarantined),
		TEST(worker_that_dies_before_it_looked_leaves_the_bay_in_trouble),
		TEST(silent_worker_is_killed_at_its_deadline),
		TEST(probe_that_names_another_lease_is_refused),
		TEST(worker_that_breaks_the_protocol_is_stopped_and_nothing_of_it_is_kept),
		TEST(answer_to_another_intent_is_refused),
		TEST(token_pulled_in_mid_work_goes_on_in_another_bay),
		TEST(blank_token_in_place_of_a_pulled_one_gets_work_of_its_own),
		TEST(credential_of_a_token_gone_for_good_is_redone_and_the_first_certificate_revoked),
		TEST(abandoned_credential_is_revoked_and_the_rest_of_its_application_goes_out),
		TEST(order_that_cannot_be_done_is_parked_and_its_token_serves_another),
		TEST(worker_waits_while_the_ca_is_away_and_other_bays_go_on),
		TEST(ca_that_is_lost_after_signing_is_looked_up_not_asked_again),
		TEST(refused_request_is_parked_and_the_token_is_free),
		TEST(ca_that_cannot_now_is_asked_again_later),
		TEST(certificate_for_another_key_is_revoked_and_never_burned),
		TEST(certificate_under_another_serial_is_revoked_and_never_burned),
		TEST(token_that_lost_its_key_before_the_request_is_made_anew),
		TEST(token_that_lost_its_key_after_the_request_is_given_up),
		TEST(credential_waits_for_no_token_until_its_certificate_is_revoked),
		TEST(tokens_of_others_are_never_touched),
		TEST(finished_token_put_back_is_left_alone),
		TEST(second_token_with_the_same_serial_is_not_taken_for_the_first),
		TEST(blank_token_is_not_taken_for_one_that_carries_a_key),
		TEST(token_swapped_while_nobody_watched_is_found_out),
		TEST(new_bench_program_does_not_disturb_a_token_at_work),
		TEST(no_certificate_is_asked_for_while_the_clock_is_behind),
		TEST(credential_that_waits_for_the_clock_says_so_once),
		TEST(clock_that_a_person_confirms_is_believed_and_who_and_why_is_kept),
		TEST(rows_after_a_restart_are_not_earlier_than_those_before_it),
		TEST(clock_confirmed_is_watched_on_and_a_restart_keeps_it_so),
		TEST(proof_made_while_the_clock_is_behind_lies_in_its_step),
		TEST(time_of_a_proof_is_within_its_step_whatever_the_worker_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

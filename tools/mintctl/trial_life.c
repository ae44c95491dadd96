/* The lives of a trial. Codes are kept in the bench's directory before the token gets them, as the queue commits them: whatever happens,
 * somebody knows the token's SO-PIN. */
#include "schemas/errors.h"
#include "tools/drive/office.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/trial.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT_USER = 1, LEFT_SO = 2 }; /* bits of proved.codes_left in schemas/messages.def */

/* Lengths that tokens and their file systems stop at. */
static const size_t sizes[] = { 1024, 1536, 2048, 3072, 4096, 6144, 8000 };

/* --- mint */

/* The codes are on record as those the token may have, from here on. */
static int
begin_codes(struct trial *trial, const struct blob *fresh)
{
	if (fresh->length == 0 || fresh->length > sizeof trial->next)
		return MINT_PROTOCOL;
	memcpy(trial->next, fresh->data, fresh->length);
	trial->next_bytes = fresh->length;
	return bench_keep(&trial->bench, "next", fresh);
}

static int
take_codes(struct trial *trial)
{
	struct blob blob = { trial->next, trial->next_bytes };
	int r = bench_keep(&trial->bench, "codes", &blob);

	if (r != 0)
		return r;
	memcpy(trial->codes, trial->next, trial->next_bytes);
	trial->codes_bytes = trial->next_bytes;
	trial->next_bytes = 0;
	OPENSSL_cleanse(trial->so_pin, sizeof trial->so_pin);
	bench_forget(&trial->bench, "envelope.der"); /* before `next`: while that is there, a stale envelope is not the likeliest */
	bench_forget(&trial->bench, "next");
	return 0;
}

static int
initialise(struct trial *trial, const struct trial_key *first)
{
	struct message message = { .type = MESSAGE_initialise }, probed, answer = { 0 };
	int r = trial_begin(trial, TRIAL_PROBE, ROLE_MINT, &probed);

	if (r == 0 && probed.probed.content != CONTENT_BLANK && !trial->is_ours)
		r = trial_tell(trial, TRIAL_PROBE, MINT_REFUSED, trial_content_text(probed.probed.content));
	if (r == 0 && (r = begin_codes(trial, &probed.probed.fresh_codes)) != 0)
		trial_tell(trial, TRIAL_INITIALISE, r, trial->bench.directory);
	if (r == 0) {
		message.initialise = (struct message_initialise){
			.journal = ++trial->journal, .erase = trial->is_ours, .label = TRIAL_LABEL, .codes = { trial->next, trial->next_bytes },
			.old_codes = trial->is_ours ? trial_codes(trial) : (struct blob){ NULL, 0 }, .so_pin = trial->is_ours ? trial->so_pin : "",
			.key_type = first->type, .key_id = { first->id, sizeof first->id },
		};
		trial->so_pin_spent |= trial->is_ours;
		trial->is_ours = true;
		r = trial_ask(trial, TRIAL_INITIALISE, &message, MESSAGE_initialised, &answer);
	}
	if (r == 0) {
		trial->so_pin_spent = false;
		snprintf(trial->serial, sizeof trial->serial, "%s", answer.initialised.serial);
		r = trial_tell(trial, TRIAL_INITIALISE, take_codes(trial), "");
	}
	message_clear(&answer);
	message_clear(&probed);
	return r;
}

static int
make_key(struct trial *trial, struct trial_key *key)
{
	struct message message = { .type = MESSAGE_make_key }, answer;
	char remark[64];
	int r;

	message.make_key = (struct message_make_key){
		.journal = ++trial->journal, .key_type = key->type, .key_id = { key->id, sizeof key->id }, .label = "trial", .codes = trial_codes(trial),
	};
	r = trial_ask(trial, TRIAL_KEY, &message, MESSAGE_key_made, &answer);
	if (r == 0) {
		key->generation_us = answer.key_made.duration_us ? answer.key_made.duration_us : 1;
		snprintf(remark, sizeof remark, say("on the token: %llu ms", "介质内：%llu 毫秒"), (unsigned long long)key->generation_us / 1000);
		r = trial_tell(trial, TRIAL_KEY, 0, remark);
	}
	message_clear(&answer);
	return r;
}

static int
take_copy(const struct blob *blob, uint8_t **bytes, size_t *length)
{
	free(*bytes);
	*bytes = malloc(blob->length ? blob->length : 1);
	*length = blob->length;
	if (*bytes)
		memcpy(*bytes, blob->data, blob->length);
	return *bytes ? 0 : MINT_MEMORY;
}

static int
make_request(struct trial *trial, struct trial_key *key)
{
	struct message message = { .type = MESSAGE_make_request }, answer;
	int r;

	message.make_request = (struct message_make_request){
		.journal = ++trial->journal, .key_id = { key->id, sizeof key->id }, .common_name = TRIAL_LABEL, .codes = trial_codes(trial),
	};
	r = trial_ask(trial, TRIAL_REQUEST, &message, MESSAGE_request_made, &answer);
	if (r == 0)
		r = trial_tell(trial, TRIAL_REQUEST, take_copy(&answer.request_made.request, &key->request, &key->request_bytes), "");
	message_clear(&answer);
	return r;
}

static int
certify(struct trial *trial, struct trial_key *key, size_t least_bytes)
{
	const struct blob request = { key->request, (uint32_t)key->request_bytes };
	uint8_t *der = NULL;
	char remark[64];
	size_t length = 0;
	int r = office_certify(trial->issuer, &request, least_bytes, &der, &length);
	const struct blob certificate = { der, (uint32_t)length };

	if (r == 0)
		r = take_copy(&certificate, &key->certificate, &key->certificate_bytes);
	OPENSSL_free(der);
	snprintf(remark, sizeof remark, say("%zu bytes", "%zu 字节"), length);
	return trial_tell(trial, TRIAL_CERTIFY, r, remark);
}

static int
burn(struct trial *trial, struct trial_key *key)
{
	struct message message = { .type = MESSAGE_burn }, answer;
	int r;

	message.burn = (struct message_burn){
		.journal = ++trial->journal, .key_id = { key->id, sizeof key->id }, .label = "trial",
		.certificate = { key->certificate, (uint32_t)key->certificate_bytes }, .codes = trial_codes(trial),
	};
	r = trial_ask(trial, TRIAL_BURN, &message, MESSAGE_burned, &answer);
	message_clear(&answer);
	return r == 0 ? trial_tell(trial, TRIAL_BURN, 0, "") : r;
}

static int
mint(struct trial *trial, struct trial_key *keys, size_t count, size_t certificate_bytes)
{
	int r = initialise(trial, &keys[0]);

	for (size_t i = 0; i < count && r == 0; i++) {
		trial->key = keys[i].type;
		r = make_key(trial, &keys[i]);
		if (r == 0)
			r = make_request(trial, &keys[i]);
		if (r == 0)
			r = certify(trial, &keys[i], certificate_bytes);
		if (r == 0)
			r = burn(trial, &keys[i]);
	}
	trial_close(trial);
	return r;
}

/* --- prove */

/* What an initialised token tells, in a process that has not made it. */
static int
survey_made(struct trial *trial)
{
	struct message probed, answer = { 0 };
	int r = trial_begin(trial, TRIAL_SURVEY, ROLE_SURVEY, &probed);

	if (r == 0 && strcmp(probed.probed.label, TRIAL_LABEL) != 0)
		r = trial_tell(trial, TRIAL_SURVEY, MINT_TOKEN_INIT, say("the label that it was given does not read back", "写入的标签无法读回"));
	if (r == 0) {
		trial->user_tries = probed.probed.user_tries;
		r = trial_survey(trial, &trial->survey, &answer);
		r = trial_tell(trial, TRIAL_SURVEY, r, trial_detail(&answer, r));
	}
	message_clear(&answer);
	message_clear(&probed);
	trial_close(trial);
	return r;
}

int
trial_open_envelope(struct trial *trial)
{
	uint8_t bytes[TRIAL_BLOB_MAX];
	const struct blob envelope = bench_kept(&trial->bench, "envelope.der", bytes);
	char key[PATH_MAX], certificate[PATH_MAX], *text = NULL;
	json_t *codes;
	int r;

	trial->so_pin[0] = '\0';
	if (envelope.length == 0)
		return 0;
	bench_path(&trial->bench, "office.key", key);
	bench_path(&trial->bench, "office.pem", certificate);
	r = office_open(key, certificate, &envelope, &text);
	codes = r == 0 ? json_loads(text, 0, NULL) : NULL;
	snprintf(trial->so_pin, sizeof trial->so_pin, "%s", text_of(codes, "so-pin"));
	json_decref(codes);
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	return r;
}

/* The envelope is kept before the codes in it are set. */
static int
take_envelope(struct trial *trial, const struct blob *envelope)
{
	int r = envelope->length <= TRIAL_BLOB_MAX ? bench_keep(&trial->bench, "envelope.der", envelope) : MINT_PROTOCOL;

	return r == 0 ? trial_open_envelope(trial) : r;
}

static int
seal(struct trial *trial)
{
	struct message message = { .type = MESSAGE_seal }, answer;
	int r;

	message.seal.journal = ++trial->journal;
	r = trial_ask(trial, TRIAL_SEAL, &message, MESSAGE_sealed, &answer);
	message_clear(&answer);
	return r == 0 ? trial_tell(trial, TRIAL_SEAL, 0, "") : r;
}

static struct message
prove_order(struct trial *trial, const struct trial_key *key, uint8_t proven)
{
	struct message message = { .type = MESSAGE_prove };

	message.prove = (struct message_prove){
		.journal = ++trial->journal, .serial = trial->serial, .key_id = { key->id, sizeof key->id },
		.certificate = { key->certificate, (uint32_t)key->certificate_bytes }, .codes = trial_codes(trial), .proven = proven,
	};
	return message;
}

static int
prove(struct trial *trial, struct trial_key *key, bool then_seal)
{
	struct message message = prove_order(trial, key, 0), probed, answer = { 0 };
	int r;

	trial->key = key->type;
	r = trial_begin(trial, TRIAL_PROVE, ROLE_PROVE, &probed);
	if (r == 0)
		r = trial_ask(trial, TRIAL_PROVE, &message, MESSAGE_proved, &answer);
	if (r == 0)
		r = trial_tell(trial, TRIAL_PROVE, 0, "");
	if (r == 0 && then_seal && answer.proved.codes_left) {
		r = take_envelope(trial, &answer.proved.envelope);
		r = r == 0 ? seal(trial) : trial_tell(trial, TRIAL_SEAL, r, trial->bench.directory);
	}
	message_clear(&answer);
	message_clear(&probed);
	trial_close(trial);
	return r;
}

/* Which codes of the model stay what they were at initialisation. */
static unsigned
codes_that_stay(const struct model *model)
{
	return (model->codes[CODE_USER_PIN].stays ? LEFT_USER : 0u) | (model->codes[CODE_SO_PIN].stays ? LEFT_SO : 0u);
}

/* A fresh process tries the codes that the token had before it was sealed. */
static int
check_final_codes(struct trial *trial, const struct trial_key *key)
{
	struct message message = prove_order(trial, key, 1), probed, answer = { 0 };
	unsigned left;
	int r = trial_begin(trial, TRIAL_FINAL, ROLE_PROVE, &probed);

	if (r == 0)
		r = trial_ask(trial, TRIAL_FINAL, &message, MESSAGE_proved, &answer);
	if (r == 0) {
		left = answer.proved.codes_left & ~codes_that_stay(trial->model);
		r = left == 0 ? trial_tell(trial, TRIAL_FINAL, 0, "")
		              : trial_tell(trial, TRIAL_FINAL, MINT_TOKEN_ERROR, left & LEFT_USER ? say("the user PIN was not changed", "用户口令未被修改")
		                                                                                  : say("the SO-PIN was not changed", "SO-PIN 未被修改"));
	}
	message_clear(&answer);
	message_clear(&probed);
	trial_close(trial);
	return r;
}

/* --- lives */

static int
live(struct trial *trial, struct trial_key *keys, size_t count)
{
	int r;

	trial->key = count == 1 ? keys[0].type : "";
	r = mint(trial, keys, count, 0);
	if (r == 0 && !trial->survey)
		r = survey_made(trial);
	for (size_t i = 0; i < count && r == 0; i++)
		r = prove(trial, &keys[i], i + 1 == count);
	if (r == 0)
		r = check_final_codes(trial, &keys[count - 1]);
	for (size_t i = 0; i < count; i++)
		keys[i].whole = r == 0;
	trial_close(trial);
	return r;
}

/* A token that cannot be erased has one life, for all types together. */
int
trial_live(struct trial *trial)
{
	size_t at_once = trial->model->erase.count > 0 ? 1 : trial->key_count;
	int r = 0;

	for (size_t i = 0; i < trial->key_count && r == 0; i += at_once)
		r = live(trial, &trial->keys[i], at_once);
	trial->key = "";
	return r;
}

/* One life without an end; a certificate that does not fit is what is looked for and no failure. */
static int
fits(struct trial *trial, struct trial_key *key, size_t bytes, bool *good)
{
	int r = mint(trial, key, 1, bytes);

	if (r == 0)
		r = prove(trial, key, false);
	*good = r == 0;
	if (r != 0 && !trial_stopped && (trial->failed == TRIAL_BURN || trial->failed == TRIAL_PROVE)) {
		trial->error = 0;
		return 0;
	}
	return r;
}

int
trial_sizes(struct trial *trial)
{
	struct trial_key key = trial->keys[trial->key_count - 1];
	bool good = true;
	int r = trial->model->erase.count > 0 ? 0 : MINT_UNSUPPORTED;

	key.request = key.certificate = NULL;
	trial->certificate_fits = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && r == 0 && good; i++) {
		r = fits(trial, &key, sizes[i], &good);
		if (good)
			trial->certificate_fits = key.certificate_bytes;
		else
			trial->certificate_not = key.certificate_bytes;
	}
	free(key.request);
	free(key.certificate);
	trial->key = "";
	return r == MINT_UNSUPPORTED ? 0 : r;
}

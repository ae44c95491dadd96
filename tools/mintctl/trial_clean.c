/* How a trial leaves its token: blank again. */
#include "schemas/errors.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/trial.h"

#include <openssl/crypto.h>
#include <string.h>

bool
trial_can_erase(const struct trial *trial)
{
	for (size_t i = 0; i < trial->model->erase.count; i++)
		if (trial->model->erase.list[i].call == CALL_NONE)
			return true;
	return false;
}

struct blob
trial_codes(const struct trial *trial)
{
	return (struct blob){ trial->codes, trial->codes_bytes };
}

/* What the token is, in a process that has done nothing to it; 0 where that cannot be told. */
static unsigned
content_now(struct trial *trial, uint8_t *so_tries)
{
	struct message probed;
	unsigned content = 0;

	*so_tries = TRIES_NOT_SAID;
	if (trial_open(trial, ROLE_SURVEY, "mint.conf", &probed) == 0) {
		content = probed.probed.content;
		*so_tries = probed.probed.so_tries;
	}
	message_clear(&probed);
	trial_close(trial);
	return content;
}

/* One order to erase. */
struct attempt {
	int     error;
	uint8_t tries_before, tries_after; /* of the SO-PIN; TRIES_NOT_SAID */
	char    detail[TRIAL_DETAIL_BYTES];
};

/* May a SO-PIN be tried that might be wrong? The last try never; and where nobody knows how many there are, one wrong code is all that
 * is risked unasked. */
static int
may_try(struct trial *trial, const struct message_probed *probed, struct attempt *attempt)
{
	if (attempt->tries_before <= 1 && probed->content == CONTENT_MARKED) {
		snprintf(attempt->detail, sizeof attempt->detail, say("the SO-PIN has %u tries left: none was used", "SO-PIN 剩余 %u 次：未使用"), attempt->tries_before);
		return MINT_PIN_LOCKED;
	}
	if (attempt->tries_before != TRIES_NOT_SAID || !trial->so_pin_spent || trial->run->options[OPTION_EVERY_SO_PIN])
		return 0;
	snprintf(attempt->detail, sizeof attempt->detail, "%s", say("how many tries its SO-PIN has left is not told (`probe { so_tries }`), and one may be used up: "
	    "no other code was tried; --again DIR --every-so-pin tries each that it may have", "无法得知 SO-PIN 剩余次数（probe { so_tries }），且可能已用去一次：未再试其他口令；--again 目录 --every-so-pin 逐一尝试"));
	return MINT_REFUSED;
}

/* mint-worker erases only to initialise anew. With a profile that has nothing to initialise with it stops in between: what it then
 * says is no answer, a fresh process looks what the token is. */
static void
erase_with(struct trial *trial, const struct blob *codes, const char *so_pin, struct attempt *attempt)
{
	struct message message = { .type = MESSAGE_initialise }, probed, answer = { 0 };
	int64_t begun_us;
	int r;

	*attempt = (struct attempt){ .error = 0 };
	content_now(trial, &attempt->tries_before);
	r = trial_open(trial, ROLE_MINT, "erasing.conf", &probed);
	begun_us = trial->begun_us;
	if (r == 0)
		r = may_try(trial, &probed.probed, attempt);
	if (r == 0) {
		message.initialise = (struct message_initialise){
			.journal = ++trial->journal, .erase = 1, .label = TRIAL_LABEL, .codes = probed.probed.fresh_codes, .old_codes = *codes,
			.so_pin = so_pin, .key_type = "",
		};
		trial->so_pin_spent = true;
		r = drive_ask(trial->drive, &message, MESSAGE_initialised, &answer, -1);
	}
	if (!attempt->detail[0])
		snprintf(attempt->detail, sizeof attempt->detail, "%s", trial_detail(answer.type == 0 ? &probed : &answer, r));
	message_clear(&answer);
	message_clear(&probed);
	trial_close(trial);
	if (content_now(trial, &attempt->tries_after) == CONTENT_BLANK)
		r = 0;
	else
		r = r != 0 ? r : MINT_TOKEN_INIT;
	attempt->error = r;
	trial->begun_us = begun_us;
}

/* Did the card refuse the code? Where it counts no tries for us there are only the words of pkcs15-init, which are those of
 * SC_ERROR_PIN_CODE_INCORRECT in OpenSC's src/libopensc/errors.c (its environment has LC_ALL=C). */
static bool
was_wrong_code(const struct attempt *attempt)
{
	if (attempt->error == MINT_PIN_WRONG)
		return true;
	if (attempt->tries_before != TRIES_NOT_SAID && attempt->tries_after != TRIES_NOT_SAID)
		return attempt->tries_after < attempt->tries_before;
	return strstr(attempt->detail, "PIN code or key incorrect") != NULL;
}

static void
forget_codes(struct trial *trial)
{
	static const char *const names[] = { "codes", "next", "envelope.der" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		bench_forget(&trial->bench, names[i]);
	trial->codes_bytes = trial->next_bytes = 0;
	OPENSSL_cleanse(trial->so_pin, sizeof trial->so_pin);
	trial->is_ours = false;
}

/* mint-worker has tried the codes under the SO-PIN that it was given too, where the card counted a try less. */
static bool
is_tried(const struct attempt *attempt)
{
	return attempt->tries_before != TRIES_NOT_SAID;
}

/* Which codes the token has may be in doubt after a failure: the likelier ones first. Another one is tried only where the card said that
 * the code was wrong: any other failure would be the same with each, and could use up a try with each. */
static void
erase_with_any(struct trial *trial, struct attempt *attempt)
{
	const struct blob next = { trial->next, trial->next_bytes }, codes = trial_codes(trial);
	bool again = true;

	*attempt = (struct attempt){ .error = MINT_CODE_UNKNOWN };
	if (next.length > 0) {
		erase_with(trial, &next, "", attempt);
		again = was_wrong_code(attempt);
	}
	if (attempt->error != 0 && again && trial->so_pin[0]) {
		erase_with(trial, &codes, trial->so_pin, attempt);
		again = was_wrong_code(attempt) && !is_tried(attempt);
	}
	if (attempt->error != 0 && again && codes.length > 0 && !(trial->so_pin[0] && trial->model->codes[CODE_SO_PIN].stays))
		erase_with(trial, &codes, "", attempt);
}

int
trial_clean(struct trial *trial)
{
	struct attempt attempt;
	uint8_t so_tries;
	unsigned content;

	if (!trial->is_ours)
		return 0;
	content = content_now(trial, &so_tries);
	if (content == CONTENT_HALF)
		trial->so_pin_spent = false; /* the order that may have spent it did erase the token: that code was right */
	if (!trial_can_erase(trial) || bench_configure_erasing(&trial->bench, trial->config, &trial->place, trial->profile) != 0)
		return content == CONTENT_BLANK ? 0 : MINT_TOKEN_INIT;
	erase_with_any(trial, &attempt);
	trial_tell(trial, TRIAL_ERASE, attempt.error, attempt.error == 0 ? "" : attempt.detail);
	if (attempt.error == 0)
		forget_codes(trial);
	return attempt.error;
}

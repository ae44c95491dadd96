/* How a trial leaves its token: blank again. */
#include "schemas/errors.h"
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

static bool
is_blank(struct trial *trial)
{
	struct message answer;
	bool blank = trial_open(trial, ROLE_SURVEY, "mint.conf", &answer) == 0 && answer.probed.content == CONTENT_BLANK;

	message_clear(&answer);
	trial_close(trial);
	return blank;
}

/* mint-worker erases only to initialise anew. With a profile that has nothing to initialise with it stops in between: what it then
 * says is no answer, a fresh process looks what the token is. `detail` is what it said. */
static int
erase_with(struct trial *trial, const struct blob *codes, const char *so_pin, char *detail)
{
	struct message message = { .type = MESSAGE_initialise }, probed, answer = { 0 };
	int r = trial_open(trial, ROLE_MINT, "erasing.conf", &probed);
	int64_t begun_us = trial->begun_us;

	if (r == 0) {
		message.initialise = (struct message_initialise){
			.journal = ++trial->journal, .erase = 1, .label = TRIAL_LABEL, .codes = probed.probed.fresh_codes, .old_codes = *codes,
			.so_pin = so_pin,
		};
		r = drive_ask(trial->drive, &message, MESSAGE_initialised, &answer, -1);
	}
	snprintf(detail, TRIAL_DETAIL_BYTES, "%s", trial_detail(r != 0 && answer.type == 0 ? &probed : &answer, r));
	message_clear(&answer);
	message_clear(&probed);
	trial_close(trial);
	if (is_blank(trial))
		r = 0;
	else
		r = r != 0 ? r : MINT_TOKEN_INIT;
	trial->begun_us = begun_us;
	return r;
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

/* Which codes the token has may be in doubt after a failure: the likelier ones first. No try is the last: mint-worker sees to that. */
int
trial_clean(struct trial *trial)
{
	const struct {
		struct blob codes;
		const char *so_pin;
		bool        there;
	} candidates[] = {
		{ { trial->next, trial->next_bytes }, "", trial->next_bytes > 0 },
		{ trial_codes(trial), trial->so_pin, trial->so_pin[0] != '\0' },
		{ trial_codes(trial), "", trial->codes_bytes > 0 },
	};
	char detail[TRIAL_DETAIL_BYTES] = "";
	int r = MINT_TOKEN_INIT;

	if (!trial->is_ours)
		return 0;
	if (!trial_can_erase(trial) || bench_configure_erasing(&trial->bench, trial->config, &trial->place, trial->profile) != 0)
		return is_blank(trial) ? 0 : MINT_TOKEN_INIT;
	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0] && r != 0; i++)
		if (candidates[i].there)
			r = erase_with(trial, &candidates[i].codes, candidates[i].so_pin, detail);
	trial_tell(trial, TRIAL_ERASE, r, r == 0 ? "" : detail);
	if (r == 0)
		forget_codes(trial);
	return r;
}

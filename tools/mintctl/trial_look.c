/* A trial's first look: may this token be tried, and with which profile. */
#include "schemas/errors.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/trial.h"

#include <stdio.h>
#include <string.h>

const char *
trial_content_text(unsigned content)
{
	static const char *const texts[][2] = {
		[CONTENT_BLANK] = { "blank", "空白" },
		[CONTENT_MARKED] = { "initialised by a bench", "已由制证台初始化" },
		[CONTENT_HALF] = { "half initialised", "初始化未完成" },
		[CONTENT_FOREIGN] = { "initialised by others", "已被他方初始化" },
		[CONTENT_UNKNOWN_CARD] = { "of no known model", "型号未知" },
	};

	return content >= CONTENT_BLANK && content <= CONTENT_UNKNOWN_CARD ? texts[content][screen_language()] : "?";
}

/* A token that says of itself what an earlier trial has made it, and its directory at hand. */
static bool
is_left_behind(const struct trial *trial, const struct message_probed *probed)
{
	return trial->codes_bytes + trial->next_bytes > 0 &&
	    (strcmp(probed->label, TRIAL_LABEL) == 0 || probed->content == CONTENT_HALF);
}

static int
take_probed(struct trial *trial, const struct message_probed *probed)
{
	char remark[TRIAL_DETAIL_BYTES];

	trial->content = probed->content;
	trial->user_tries = probed->user_tries;
	snprintf(trial->serial, sizeof trial->serial, "%s", probed->serial);
	trial->model = models_by_name(trial->models, probed->model);
	if (!trial->model) {
		snprintf(remark, sizeof remark, say("no profile fits: ATR %s", "没有匹配的型号：ATR %s"), trial->atr[0] ? trial->atr : "-");
		return trial_tell(trial, TRIAL_PROBE, MINT_TOKEN_UNKNOWN, remark);
	}
	trial->is_ours = probed->content != CONTENT_BLANK && is_left_behind(trial, probed);
	if (probed->content == CONTENT_BLANK || trial->is_ours) {
		snprintf(remark, sizeof remark, "%s: %s%s%s", trial->model->name, trial_content_text(probed->content),
		    probed->serial[0] ? say(", serial number ", "，序列号 ") : "", probed->serial);
		return trial_tell(trial, TRIAL_PROBE, 0, remark);
	}
	snprintf(remark, sizeof remark, say("%s: the token is %s, label \"%s\"", "%s：介质%s，标签“%s”"), trial->model->name,
	    trial_content_text(probed->content), probed->label);
	return trial_tell(trial, TRIAL_PROBE, MINT_REFUSED, remark);
}

int
trial_look(struct trial *trial)
{
	struct message answer, surveyed = { 0 };
	json_t *found = NULL;
	int r = trial_begin(trial, TRIAL_PROBE, ROLE_SURVEY, &answer);

	if (r == 0)
		r = take_probed(trial, &answer.probed);
	/* A blank token often says nothing to its module; where no profile fits, all it says helps. */
	if ((r == 0 || r == MINT_TOKEN_UNKNOWN) && trial->drive)
		trial_survey(trial, &found, &surveyed);
	if (r == 0)
		snprintf(trial->blank_serial, sizeof trial->blank_serial, "%s", text_of(json_object_get(found, "token"), "serial"));
	if (r != 0)
		trial->survey = json_incref(found);
	json_decref(found);
	message_clear(&surveyed);
	message_clear(&answer);
	trial_close(trial);
	return r;
}

/* Workers of a trial: started, asked, ended; one at a time has the token. */
#include "hostd/base/clock.h"
#include "schemas/errors.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/trial.h"

#include <string.h>

enum { STEP_MS = 1800000 }; /* the worker has its own deadlines, of the profile: this is for one that hangs in spite of them */

volatile sig_atomic_t trial_stopped;

const char *
trial_detail(const struct message *answer, int error)
{
	if (answer->type == MESSAGE_failed)
		return answer->failed.detail;
	return error == MINT_CLOSED ? say("mint-worker ended: its last line above says why", "mint-worker 已退出：原因见上一行") : "";
}

int
trial_open(struct trial *trial, enum worker_role role, const char *configuration, struct message *answer)
{
	const struct reader *reader = &trial->place.reader;
	struct message message = { .type = MESSAGE_order };
	char path[PATH_MAX];
	int r;

	*answer = (struct message){ 0 };
	trial->begun_us = clock_monotonic_us();
	bench_path(&trial->bench, configuration, path);
	message.order = (struct message_order){
		.lease = 1, .bay = TRIAL_BAY, .role = (uint8_t)role, .reader = reader->name,
		.atr = { reader->atr, (uint32_t)reader->atr_length },
	};
	r = drive_start(&trial->drive, trial->worker, path);
	return r == 0 ? drive_ask(trial->drive, &message, MESSAGE_probed, answer, STEP_MS) : r;
}

int
trial_begin(struct trial *trial, enum trial_step step, enum worker_role role, struct message *answer)
{
	int r;

	*answer = (struct message){ 0 };
	if (trial_stopped)
		return trial_tell(trial, step, MINT_CLOSED, say("interrupted", "已中断"));
	r = trial_open(trial, role, "mint.conf", answer);
	return r == 0 ? 0 : trial_tell(trial, step, r, trial_detail(answer, r));
}

int
trial_ask(struct trial *trial, enum trial_step step, const struct message *message, enum message_type wanted, struct message *answer)
{
	int r;

	*answer = (struct message){ 0 };
	trial->begun_us = clock_monotonic_us();
	if (trial_stopped)
		return trial_tell(trial, step, MINT_CLOSED, say("interrupted", "已中断"));
	r = drive_ask(trial->drive, message, wanted, answer, STEP_MS);
	return r == 0 ? 0 : trial_tell(trial, step, r, trial_detail(answer, r));
}

void
trial_close(struct trial *trial)
{
	drive_finish(&trial->drive);
}

int
trial_survey(struct trial *trial, json_t **found, struct message *answer)
{
	struct message message = { .type = MESSAGE_survey };
	int r;

	*found = NULL;
	trial->begun_us = clock_monotonic_us();
	message.survey.journal = ++trial->journal;
	r = drive_ask(trial->drive, &message, MESSAGE_surveyed, answer, STEP_MS);
	if (r == 0)
		*found = json_loads(answer->surveyed.found, 0, NULL);
	return r != 0 ? r : *found ? 0 : MINT_PROTOCOL;
}

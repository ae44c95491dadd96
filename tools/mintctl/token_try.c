/* mintctl token try: does a profile carry a token through its whole life, and what belongs into it (docs/token-models.md).
 *
 * No daemon is asked. mint-workers are started as the queue would have them, in a bench of their own with throw-away keys.
 * Only a blank token is touched, or one that an earlier trial has left.
 */
#include "schemas/errors.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/trial.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <stdlib.h>
#include <string.h>

static void
stop(int number)
{
	(void)number;
	trial_stopped = 1;
}

/* A second Ctrl-C ends at once: what is left then is told by the directory alone. */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int
fail(struct trial *trial, int error, const char *detail)
{
	trial->error = error;
	return command_fail_with(trial->run, error, detail);
}

/* --- which keys */

static bool
is_wanted(const char *list, const char *type)
{
	size_t length = strlen(type);

	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == length && strncmp(at, type, length) == 0)
			return true;
	return !list;
}

static void
add_key(struct trial *trial, const char *type)
{
	struct trial_key *key = &trial->keys[trial->key_count];

	if (trial->key_count == TRIAL_KEYS_MAX)
		return;
	trial->key_count++;
	key->type = type;
	memcpy(key->id, "trial", 5);
	key->id[TRIAL_KEY_ID_BYTES - 1] = (uint8_t)trial->key_count;
}

static int
choose_keys(struct trial *trial)
{
	const char *list = trial->run->options[OPTION_KEYS];
	size_t asked = 1;
	char detail[256];

	for (const char *at = list; at && (at = strchr(at, ',')); at++)
		asked++;
	for (size_t i = 0; i < trial->model->key_count; i++)
		if (is_wanted(list, trial->model->keys[i].type))
			add_key(trial, trial->model->keys[i].type);
	if (trial->key_count > 0 && (!list || trial->key_count == asked))
		return 0;
	snprintf(detail, sizeof detail, say("--keys %s: profile %s does not have all of these", "--keys %s：型号 %s 不全包含这些类型"), list,
	    trial->model->name);
	return fail(trial, MINT_ARGUMENT, detail);
}

/* --- the way through */

static int
read_models(struct trial *trial)
{
	char path[PATH_MAX];
	int r;

	bench_path(&trial->bench, "models", path);
	r = models_read(trial->run->options[OPTION_PROFILE] ? path : trial->config->models, &trial->models);
	return r == 0 ? 0 : fail(trial, r, trial->run->options[OPTION_PROFILE] ? trial->run->options[OPTION_PROFILE] : trial->config->models);
}

/* The only model that may be tried: a person's word, else the bay's. "" any. */
static const char *
wanted_model(const struct trial *trial)
{
	if (trial->run->options[OPTION_MODEL])
		return trial->run->options[OPTION_MODEL];
	return !trial->run->options[OPTION_PROFILE] && trial->place.bay ? trial->place.bay->model : "";
}

static int
model_is_missing(struct trial *trial, const char *name)
{
	static const char *const next[2] = { "name one of these, or a file with --profile", "请从中选择，或用 --profile 指定文件" };
	char detail[1024];
	size_t used = (size_t)snprintf(detail, sizeof detail, say("model %.64s: %.400s has no such profile, but", "型号 %.64s：%.400s 中没有，现有"), name,
	    trial->config->models);

	for (size_t i = 0; i < trial->models->count && used < sizeof detail; i++)
		used += (size_t)snprintf(detail + used, sizeof detail - used, " %s", trial->models->list[i]->name);
	trial->error = MINT_NOT_FOUND;
	return command_fail_next(trial->run, MINT_NOT_FOUND, detail, next);
}

/* What is plain before any worker looks: a model that is none, a card that is another model's. */
static int
check_model(struct trial *trial)
{
	static const char *const next[2] = { "leave --model out, or name the model that the card is; where the bay's `model` is meant, put in such a token or mend it",
		"去掉 --model，或改为该卡的型号；若指工位的 model，换用该型号介质或修改配置" };
	const struct reader *reader = &trial->place.reader;
	const char *name = wanted_model(trial);
	const struct model *is = models_by_atr(trial->models, reader->atr, reader->atr_length);
	char detail[512];

	if (!*name)
		return 0;
	if (!models_by_name(trial->models, name))
		return model_is_missing(trial, name);
	if (!reader->name[0] || !is || strcmp(is->name, name) == 0)
		return 0;
	snprintf(detail, sizeof detail, say("reader \"%s\": the card in it is %s by its ATR, not %s", "读卡器“%s”：按 ATR 其中的卡为 %s，不是 %s"), reader->name, is->name, name);
	trial->error = MINT_TOKEN_MODEL;
	return command_fail_next(trial->run, MINT_TOKEN_MODEL, detail, next);
}

/* What an earlier trial has written down: the codes that the token may have, the final SO-PIN too. */
static int
take_back(struct trial *trial)
{
	uint8_t *const places[] = { trial->codes, trial->next };
	uint32_t *const lengths[] = { &trial->codes_bytes, &trial->next_bytes };
	static const char *const names[] = { "codes", "next" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		*lengths[i] = bench_kept(&trial->bench, names[i], places[i]).length;
	return trial_open_envelope(trial);
}

/* A file of the bench is at fault. */
static int
fail_at(struct trial *trial, int error, const char *name)
{
	char path[PATH_MAX];

	bench_path(&trial->bench, name, path);
	return fail(trial, error, path);
}

static int
prepare(struct trial *trial)
{
	struct run *run = trial->run;
	int r = bench_make(&trial->bench, run->options[OPTION_AGAIN]);

	if (r != 0)
		return fail(trial, r, run->options[OPTION_AGAIN] ? run->options[OPTION_AGAIN] : trial->bench.directory);
	r = bench_configure(&trial->bench, trial->config, &trial->place, run->options[OPTION_PROFILE], wanted_model(trial));
	if (r != 0)
		return fail(trial, r, run->options[OPTION_PROFILE] ? run->options[OPTION_PROFILE] : trial->bench.directory);
	r = run->options[OPTION_AGAIN] ? take_back(trial) : 0;
	if (r != 0)
		return fail_at(trial, r, "envelope.der");
	snprintf(trial->worker, sizeof trial->worker, "%s/mint-worker", trial->config->programs);
	trial->issuer = EVP_EC_gen("P-256");
	r = trial->issuer ? read_models(trial) : fail(trial, MINT_CRYPTO, "");
	return r == 0 ? check_model(trial) : r;
}

/* The profile's file, for a copy without what initialises. */
static void
name_profile(struct trial *trial)
{
	const char *given = trial->run->options[OPTION_PROFILE];

	if (given)
		snprintf(trial->profile, sizeof trial->profile, "%s", given);
	else
		snprintf(trial->profile, sizeof trial->profile, "%s/%s.conf", trial->config->models, trial->model->name);
}

/* 1 when the token is blank at the end. */
static bool
try_it(struct trial *trial)
{
	int r = trial_look(trial);

	if (r == 0)
		r = choose_keys(trial);
	if (r != 0)
		return !trial->is_ours;
	name_profile(trial);
	if (trial->is_ours && trial_can_erase(trial) && trial_clean(trial) != 0)
		return false; /* the same codes once more would only use up tries */
	r = trial_live(trial);
	if (r == 0 && trial->run->options[OPTION_CERTIFICATE_SIZE])
		r = trial_sizes(trial);
	trial_close(trial);
	if (trial->run->options[OPTION_KEEP] && r == 0)
		return false;
	trial->key = "";
	return trial_clean(trial) == 0;
}

static void
clear(struct trial *trial)
{
	for (size_t i = 0; i < trial->key_count; i++) {
		free(trial->keys[i].request);
		free(trial->keys[i].certificate);
	}
	trial_close(trial);
	place_leave(&trial->place);
	models_free(&trial->models);
	EVP_PKEY_free(trial->issuer);
	json_decref(trial->survey);
	json_decref(trial->steps);
	OPENSSL_cleanse(trial, sizeof *trial);
	free(trial);
}

/* What a person at a trial does where the error's own advice is for tokens in work. */
static int
place_fails(struct trial *trial, int error, const char *why)
{
	static const struct {
		int         error;
		const char *next[2];
	} rows[] = {
		{ MINT_TOKEN_GONE, { "put a blank token into this reader, or name another reader, then try again", "将空白介质放入该读卡器，或指定其他读卡器，然后重试" } },
		{ MINT_TOKEN_ERROR, { "take it out and put it in again, the right way round; then try another token, another reader", "取出后正确插入；仍无应答则换介质或换读卡器" } },
		{ MINT_READER, { "name a bay, or a reader so that it fits one alone; with none there check cable and pcscd: mintctl doctor", "指定工位，或可唯一确定的读卡器名称；若无读卡器，检查连线和 pcscd：mintctl doctor" } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].error == error)
			return command_fail_next(trial->run, error, why, rows[i].next);
	return command_fail_with(trial->run, error, why);
}

static int
run_trial(struct trial *trial)
{
	char why[PLACE_WHY_BYTES];
	bool blank = true;
	int r = place_find(&trial->place, trial->config, trial->run->arguments[0], why);

	if (r != 0)
		return place_fails(trial, r, why);
	reader_atr_text(&trial->place.reader, trial->atr);
	catch_signals();
	if (prepare(trial) == 0) {
		blank = try_it(trial);
		if (json_array_size(trial->steps) > 0)
			trial_report(trial, blank);
	}
	if (blank && trial->bench.directory[0] && !(trial->bench.kept && trial->error != 0))
		bench_wipe(&trial->bench);
	return trial->error;
}

int
run_token_try(struct run *run)
{
	struct config *config = NULL;
	struct trial *trial;
	int r;

	if (run->options[OPTION_MODEL] && run->options[OPTION_PROFILE])
		return command_fail_with(run, MINT_ARGUMENT, say("--model or --profile, not both", "--model 与 --profile 不能同时使用"));
	r = config_read(run->config_path ? run->config_path : "/etc/mintbench/mint.conf", &config);
	if (r != 0)
		return command_fail_with(run, r, run->config_path ? run->config_path : "/etc/mintbench/mint.conf");
	trial = calloc(1, sizeof *trial);
	if (!trial) {
		config_free(&config);
		return command_fail_with(run, MINT_MEMORY, "");
	}
	trial->run = run;
	trial->config = config;
	trial->key = "";
	trial->steps = json_array();
	trial->place.lock_fd = -1;
	r = run_trial(trial);
	clear(trial);
	config_free(&config);
	return r;
}

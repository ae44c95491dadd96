/* What a trial says: a line for each step as it ends, and at the end what belongs into the profile. */
#include "hostd/base/clock.h"
#include "schemas/errors.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/trial.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_COLUMNS = 9, STEP_COLUMNS = 42, FRAGMENT_BYTES = 4096, LIST_BYTES = 512 };

static const struct {
	const char *name, *title[2], *look[2];
} steps[TRIAL_STEPS] = {
#define TRIAL_STEP(name, en, zh, look_en, look_zh) [TRIAL_##name] = { #name, { en, zh }, { look_en, look_zh } },
#include "tools/mintctl/trial.def"
#undef TRIAL_STEP
};

enum { TRIAL_any = -1 };

static const struct {
	int         step; /* TRIAL_any: each */
	int         error;
	const char *look[2];
} hints[] = {
#define TRIAL_HINT(step, error, en, zh) { TRIAL_##step, MINT_##error, { en, zh } },
#include "tools/mintctl/trial.def"
#undef TRIAL_HINT
};

enum advice {
#define TRIAL_ADVICE(name, ...) ADVICE_##name,
#include "tools/mintctl/trial.def"
#undef TRIAL_ADVICE
	ADVICES
};

static const char *const advices[ADVICES][2] = {
#define TRIAL_ADVICE(name, en, zh) [ADVICE_##name] = { en, zh },
#include "tools/mintctl/trial.def"
#undef TRIAL_ADVICE
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* --- steps */

/* What to look at: the step's own word about this error, a word about it in every step, a word about the step. */
static const char *const *
look_at(enum trial_step step, int error)
{
	for (int own = 1; own >= 0; own--)
		for (size_t i = 0; i < COUNT(hints); i++)
			if (hints[i].error == error && hints[i].step == (own ? (int)step : (int)TRIAL_any))
				return hints[i].look;
	return steps[step].look;
}

static void
print_step(const struct trial *trial, enum trial_step step, long long ms, int error, const char *remark)
{
	text_pad(stdout, trial->key[0] ? trial->key : "-", KEY_COLUMNS);
	text_pad(stdout, steps[step].title[screen_language()], STEP_COLUMNS);
	printf("%8lld ms  %s\n", ms, error == 0 ? remark : say("FAILED", "失败"));
	if (error != 0) {
		printf("%*s%s: %s%s%s\n", KEY_COLUMNS, "", error_info(error)->name, error_info(error)->what[screen_language()],
		    *remark ? ": " : "", remark);
		printf("%*s%s %s\n", KEY_COLUMNS, "", say("look at:", "请检查："), look_at(step, error)[screen_language()]);
	}
	fflush(stdout);
}

static json_t *
pair(const char *const *text)
{
	return json_pack("{s:s,s:s}", "en", text[MINT_EN], "zh", text[MINT_ZH]);
}

static json_t *
step_json(const struct trial *trial, enum trial_step step, long long ms, int error, const char *remark)
{
	json_t *object = json_pack("{s:s,s:s,s:I,s:b,s:s*}", "step", steps[step].name, "key", trial->key, "ms", (json_int_t)ms, "ok",
	    error == 0, "detail", remark);

	if (error != 0) {
		json_object_set_new(object, "error", json_string(error_info(error)->name));
		json_object_set_new(object, "look_at", pair(look_at(step, error)));
	}
	return object;
}

int
trial_tell(struct trial *trial, enum trial_step step, int error, const char *remark)
{
	long long ms = (clock_monotonic_us() - trial->begun_us + 500) / 1000;

	if (trial->error == 0 && error != 0) {
		trial->error = error;
		trial->failed = step;
	} else if (error != 0) {
		trial->failed = step;
	}
	json_array_append_new(trial->steps, step_json(trial, step, ms, error, remark));
	if (!trial->run->json)
		print_step(trial, step, ms, error, remark);
	return error;
}

/* --- advice */

static const char *
token_text(const struct trial *trial, const char *name)
{
	return text_of(json_object_get(trial->survey, "token"), name);
}

static void
advise(json_t *list, enum advice advice, const char *value)
{
	char *text[2] = { NULL, NULL };

	for (int language = 0; language < 2; language++) {
		size_t length;
		FILE *out = open_memstream(&text[language], &length);

		for (const char *at = advices[advice][language]; out && *at;) {
			bool hole = at[0] == '{' && at[1] == '}';

			if (hole)
				fputs(value, out);
			else
				fputc(*at, out);
			at += hole ? 2 : 1;
		}
		if (out)
			fclose(out);
	}
	json_array_append_new(list, json_pack("{s:s,s:s}", "en", text[MINT_EN], "zh", text[MINT_ZH]));
	free(text[0]);
	free(text[1]);
}

static void
advise_about_serial(const struct trial *trial, json_t *list)
{
	const char *serial = token_text(trial, "serial");

	if (!serial[0] || trial->model->probe.serial.length > 0 || trial->model->token.has_serial)
		return;
	advise(list, strcmp(serial, trial->blank_serial) == 0 ? ADVICE_SERIAL : ADVICE_SERIAL_MADE, serial);
}

static void
advise_about_keys(const struct trial *trial, json_t *list)
{
	const json_t *type;
	bool rsa = false;
	size_t i;

	json_array_foreach(json_object_get(trial->survey, "key_types"), i, type)
		if (json_is_string(type) && !model_key(trial->model, json_string_value(type)))
			advise(list, ADVICE_KEY_OFFERED, json_string_value(type));
	for (i = 0; i < trial->key_count; i++) {
		const struct trial_key *key = &trial->keys[i];
		const struct model_key *known = model_key(trial->model, key->type);

		rsa |= key->type[0] == 'r' && key->generation_us > 0;
		if (known && key->generation_us / 1000 > (uint64_t)known->timeout_ms / 6)
			advise(list, ADVICE_KEY_SLOW, key->type);
	}
	if (rsa)
		advise(list, ADVICE_RSA_ONCE, "");
}

static json_t *
make_advice(const struct trial *trial)
{
	json_t *list = json_array();

	if (!trial->model || !trial->survey)
		return list;
	advise_about_serial(trial, list);
	if (trial->user_tries == TRIES_NOT_SAID && trial->place.reader.name[0])
		advise(list, ADVICE_TRIES, "");
	advise_about_keys(trial, list);
	if (trial->certificate_fits == 0)
		advise(list, ADVICE_SIZE_UNKNOWN, "");
	return list;
}

/* --- lines for a profile */

static void
put_token(const struct trial *trial, FILE *out)
{
	const char *manufacturer = token_text(trial, "manufacturer"), *model = token_text(trial, "model");

	if (*manufacturer || *model)
		fprintf(out, "token { manufacturer = \"%s\" model = \"%s\" }\n", manufacturer, model);
}

static char *
make_fragment(const struct trial *trial)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	if (trial->model && trial->model->atr_count == 0 && !trial->model->by_application)
		put_token(trial, out);
	for (size_t i = 0; i < trial->key_count; i++) {
		const struct trial_key *key = &trial->keys[i];

		if (key->generation_us > 0)
			fprintf(out, "key %s { mean_ms = %llu }\n", key->type, (unsigned long long)(key->generation_us + 999) / 1000);
	}
	if (trial->certificate_fits > 0)
		fprintf(out, "certificate_max = %zu%s\n", trial->certificate_fits,
		    trial->certificate_not ? "" : say("   # the longest that was tried", "   # 已试最大值"));
	fclose(out);
	return text;
}

/* To begin a profile with, where none fits; "" where nothing is known of the token. What is in angle brackets has to be found out. */
static char *
make_skeleton(const struct trial *trial)
{
	const json_t *type;
	char *text = NULL;
	size_t length, i;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	if (!trial->atr[0] && !trial->survey) {
		fclose(out);
		return text;
	}
	fputs("description = \"\"\n", out);
	if (trial->atr[0])
		fprintf(out, "atr = { \"%s\" }\ndriver = \"\"   # short name of opensc-tool --list-drivers\n", trial->atr);
	else
		put_token(trial, out);
	if (trial->atr[0])
		fputs("probe {\n\tblank = { \"00 A4 08 00 02 50 15 00\" }   # commands that a blank token answers with 6A82\n}\n", out);
	fputs("alphabet = \"0123456789\"\ncode so-pin { length = 8 }\ncode user-pin { length = 8 }\n", out);
	json_array_foreach(json_object_get(trial->survey, "key_types"), i, type)
		fprintf(out, "key %s { mean_ms = 10000 }\n", json_string_value(type));
	if (json_array_size(json_object_get(trial->survey, "key_types")) == 0)
		fputs("key rsa2048 { mean_ms = 10000 }\nkey p256 { mean_ms = 1000 }\n", out);
	if (trial->atr[0])
		fputs("initialise create {\n\trun = { \"pkcs15-init\", \"--reader\", \"<reader>\", \"--create-pkcs15\", \"--so-pin\", \"<so-pin>\", \"--label\", \"<label>\" }\n}\n"
		      "initialise store-pin {\n\trun = { \"pkcs15-init\", \"--reader\", \"<reader>\", \"--store-pin\", \"--id\", \"01\", \"--pin\", \"<user-pin>\", \"--so-pin\", \"<so-pin>\" }\n}\n"
		      "erase all {\n\trun = { \"pkcs15-init\", \"--reader\", \"<reader>\", \"--erase-card\" }\n\tprompt \"Please enter PIN [Security Officer PIN]\" { answer = \"<so-pin>\" }\n}\n", out);
	else
		fputs("initialise token { call = \"C_InitToken\" }\ninitialise user-pin { call = \"C_InitPIN\" }\nerase token { call = \"C_InitToken\" }\n", out);
	fclose(out);
	return text;
}

/* --- the end */

static void
print_mechanisms(const struct trial *trial)
{
	const json_t *mechanism;
	size_t i, column = 0;

	json_array_foreach(json_object_get(trial->survey, "mechanisms"), i, mechanism) {
		const char *name = text_of(mechanism, "name");

		if (!*name)
			continue;
		if (column + strlen(name) > 90 || column == 0) {
			printf("%s  ", column ? "\n" : "");
			column = 2;
		}
		printf("%s ", name);
		column += strlen(name) + 1;
	}
	if (column)
		putchar('\n');
}

static void
print_facts(const struct trial *trial)
{
	const json_t *module = json_object_get(trial->survey, "module");

	if (trial->atr[0])
		printf("ATR           %s\n", trial->atr);
	if (!trial->survey)
		return;
	printf("%s  %s, %s\n", say("module      ", "模块        "), text_of(module, "description"), text_of(module, "version"));
	printf("%s  %s / %s / %s\n", say("token       ", "介质        "), token_text(trial, "manufacturer"), token_text(trial, "model"),
	    token_text(trial, "serial"));
	printf("%s\n", say("mechanisms", "机制"));
	print_mechanisms(trial);
}

/* Nothing was done but the first look. */
static bool
is_untouched(const struct trial *trial)
{
	return json_array_size(trial->steps) <= 1;
}

static void
print_left(const struct trial *trial, bool blank)
{
	if (blank && is_untouched(trial)) {
		printf("%s\n", say("The token was looked at only, and is as it was.", "仅检测了介质，未作改动。"));
		return;
	}
	if (blank) {
		printf("%s\n", say("The token is blank again.", "介质已恢复空白。"));
		return;
	}
	printf(say("The token stays initialised. Its codes are in %s (mint-pins opens envelope.der with the office.key there); to go on with it:\n"
	           "  mintctl token try … --again %s\n",
	           "介质保持已初始化状态。口令在 %s（用其中的 office.key，mint-pins 可打开 envelope.der）；继续使用：\n  mintctl token try … --again %s\n"),
	    trial->bench.directory, trial->bench.directory);
}

static void
print_report(const struct trial *trial, const char *fragment, const json_t *advice, bool blank)
{
	const json_t *line;
	size_t i;

	putchar('\n');
	print_facts(trial);
	if (fragment && *fragment)
		printf("\n%s\n%s", trial->model ? say("For the profile:", "写入型号文件：") : say("A profile to begin with:", "型号文件初稿："), fragment);
	json_array_foreach(advice, i, line)
		printf("%s %s\n", say("advice:", "建议："), text_of(line, say("en", "zh")));
	putchar('\n');
	if (trial->model)
		print_left(trial, blank);
	printf("%s\n", trial->error == 0 ? say("The whole life worked for every key type tried.", "所试全部密钥类型全流程通过。")
	                                 : say("The life did not come to its end.", "未能走完全流程。"));
}

static json_t *
keys_json(const struct trial *trial)
{
	json_t *list = json_array();

	for (size_t i = 0; i < trial->key_count; i++)
		json_array_append_new(list, json_pack("{s:s,s:b,s:f}", "type", trial->keys[i].type, "ok", trial->keys[i].whole,
		    "generation_ms", (double)trial->keys[i].generation_us / 1000));
	return list;
}

static json_t *
report_json(const struct trial *trial, const char *fragment, json_t *advice, bool blank)
{
	return json_pack("{s:b,s:s*,s:s,s:s,s:O,s:o,s:O*,s:s*,s:O,s:I,s:b,s:s*}", "ok", trial->error == 0, "error",
	    trial->error ? error_info(trial->error)->name : NULL, "model", trial->model ? trial->model->name : "", "atr", trial->atr, "steps",
	    trial->steps, "keys", keys_json(trial), "survey", trial->survey, "profile", fragment, "advice", advice, "certificate_fits",
	    (json_int_t)trial->certificate_fits, "blank", blank && !(is_untouched(trial) && trial->error != 0), "directory", blank ? NULL : trial->bench.directory);
}

void
trial_report(struct trial *trial, bool blank)
{
	char *fragment = trial->model ? make_fragment(trial) : make_skeleton(trial);
	json_t *advice = make_advice(trial), *answer;

	if (trial->run->json) {
		answer = report_json(trial, fragment, advice, blank);
		command_print_json(trial->run, answer);
		json_decref(answer);
	} else {
		print_report(trial, fragment, advice, blank);
	}
	json_decref(advice);
	free(fragment);
}

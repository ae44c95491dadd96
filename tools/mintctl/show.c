/* mintctl show: one application, credential or token, whatever the name fits. */
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/lines.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"
#include "tools/mintctl/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- application */

static void
print_findings(const json_t *application)
{
	const json_t *why = json_object_get(application, "held_why"), *finding;
	size_t i;

	line(say("held because", "暂停原因"), json_string_value(why));
	json_array_foreach(why, i, finding) {
		line(say("held because", "暂停原因"), words_of(finding, "what"));
		line(say("do", "处理"), words_of(finding, "do"));
	}
}

static void
print_credentials_of(const json_t *application)
{
	struct table *table = table_new(5);
	const json_t *row;
	size_t i;

	table_add(table, say("credential", "证书"));
	table_add(table, say("state", "状态"));
	table_add(table, say("bay", "工位"));
	table_add(table, say("token", "介质"));
	table_add(table, say("why, and what to do", "原因与处理"));
	json_array_foreach(json_object_get(application, "credentials"), i, row) {
		const json_t *why = json_object_get(row, "parked");
		char text[512];

		snprintf(text, sizeof text, "%s%s%s", words_of(why, "what"), json_is_object(why) ? " → " : "", words_of(why, "do"));
		table_add(table, text_of(row, "name"));
		table_add(table, state_text("credential", text_of(row, "state")));
		if (json_is_integer(json_object_get(row, "bay")))
			table_add_number(table, number_of(row, "bay"));
		else
			table_add(table, "");
		table_add(table, text_of(row, "token"));
		table_add(table, text);
	}
	putchar('\n');
	table_print(table, stdout, NULL);
	table_free(&table);
}

/* The title of a field in the list of fields; `object` is the name of its object, which for a delivery is one of two there. */
static const char *
title_of(const char *object, const char *name)
{
#define FIELD(of, member, key, type, required, low, high, bytes, detail, personal, title_en, title_zh, en, zh) \
	if ((strcasecmp(#of, object) == 0 || (strcmp(object, "delivery") == 0 && (strcmp(#of, "POST") == 0 || strcmp(#of, "ON_SITE") == 0))) && \
	    strcmp(key, name) == 0) \
		return say(title_en, title_zh);
#include "schemas/application.def"
	return name;
}

/* Every text of the record under its title: the fields are the import's own, listed in schemas/application.def. */
static void
print_record(const json_t *record, const char *object)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)record, name, value) {
		char whole[128];

		if (strcmp(object, "ROOT") == 0)
			snprintf(whole, sizeof whole, "  %s", title_of(object, name));
		else
			snprintf(whole, sizeof whole, "  %s%s%s", title_of("ROOT", object), say(", ", "："), title_of(object, name));
		if (json_is_object(value))
			print_record(value, name);
		else if (json_is_string(value))
			line(whole, json_string_value(value));
	}
}

static void
print_application(const json_t *application)
{
	const json_t *label, *item;
	size_t i;

	line(say("application", "申请号"), text_of(application, "reference"));
	line(say("state", "状态"), state_text("application", text_of(application, "state")));
	line_number(say("quantity", "数量"), number_of(application, "quantity"));
	line_time(say("approved", "审核通过"), application, "approved_at");
	line_time(say("deadline", "期限"), application, "deadline_at");
	line_time(say("issued", "发证"), application, "issued_at");
	if (json_is_true(json_object_get(application, "late")))
		line(say("late", "逾期"), say("yes", "是"));
	print_findings(application);
	json_array_foreach(json_object_get(json_object_get(application, "parcel"), "items"), i, item) {
		char text[128];

		snprintf(text, sizeof text, "%s  %s", text_of(item, "token"), text_of(item, "credential"));
		line(say("in the parcel", "已装袋"), text);
	}
	json_array_foreach(json_object_get(application, "labels"), i, label) {
		const struct error_info *error = error_by_name(text_of(label, "error"));

		line(say("label", "面单"), state_text("print_job", text_of(label, "state")));
		line(say("  at", "  位置"), text_of(label, "place"));
		if (error)
			line(say("  do", "  处理"), error->next[screen_language()]);
	}
	print_record(json_object_get(application, "record"), "ROOT");
	print_credentials_of(application);
}

/* --- credential, with its evidence */

static void
print_uses(const json_t *evidence)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(evidence, "uses"), i, row) {
		char text[256];

		snprintf(text, sizeof text, "%s  %s  ATR %s", text_of(row, "serial"), text_of(row, "marker"), text_of(row, "atr"));
		line(say("token", "介质"), text);
		line(say("  outcome", "  结果"), outcome_text(text_of(row, "outcome")));
	}
	json_array_foreach(json_object_get(evidence, "keys"), i, row) {
		char text[64];

		line(say("key SHA-256", "公钥 SHA-256"), text_of(row, "spki_sha256"));
		snprintf(text, sizeof text, "%s  %.3f s", text_of(row, "key_type"), (double)number_of(row, "duration_us") / 1e6);
		line(say("  generated", "  生成"), text);
	}
}

static void
print_certificates(const json_t *evidence)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(evidence, "certificates"), i, row) {
		line(say("certificate serial", "证书序列号"), text_of(row, "serial"));
		line(say("  state", "  状态"), outcome_text(text_of(row, "state")));
		line("  SHA-256", text_of(row, "sha256"));
		line(say("  subject", "  主题"), text_of(row, "subject"));
		line_time(say("  not before", "  生效"), row, "not_before");
		line_time(say("  not after", "  失效"), row, "not_after");
		line_time(say("  signed", "  签发"), row, "signed_at");
		line_time(say("  revoked", "  吊销"), row, "revoked_at");
	}
}

static void
print_proofs(const json_t *evidence)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(evidence, "proofs"), i, row) {
		char text[128];

		snprintf(text, sizeof text, "%s %lld  %s", say("process", "进程"), number_of(row, "prove_pid"), text_of(row, "prove_release"));
		line(say("proven by", "验证进程"), text);
		snprintf(text, sizeof text, "%s %lld  %s", say("process", "进程"), number_of(row, "mint_pid"), text_of(row, "mint_release"));
		line(say("minted by", "制证进程"), text);
		line(say("  read back SHA-256", "  读回 SHA-256"), text_of(row, "certificate_sha256"));
		line_time(say("  read at", "  读回时间"), row, "read_at");
		line(say("  challenge", "  挑战"), text_of(row, "challenge"));
		line(say("  signature", "  签名"), text_of(row, "signature"));
		line_time(say("  signed at", "  签名时间"), row, "signed_at");
	}
}

static void
print_journal(const json_t *credential)
{
	struct table *table = table_new(6);
	const json_t *row;
	size_t i;

	table_add(table, say("step", "步骤"));
	table_add(table, say("begun", "开始"));
	table_add(table, say("ms", "毫秒"));
	table_add(table, say("outcome", "结果"));
	table_add(table, say("process", "进程"));
	table_add(table, say("why", "原因"));
	json_array_foreach(json_object_get(credential, "journal"), i, row) {
		const struct error_info *error = error_by_name(text_of(row, "error"));
		int64_t begun = screen_time_us(text_of(row, "begun_at")), ended = screen_time_us(text_of(row, "ended_at"));
		char text[SCREEN_TIME_BYTES];

		table_add(table, step_text(text_of(row, "step")));
		screen_time(text_of(row, "begun_at"), text);
		table_add(table, text);
		if (ended < 0)
			table_add(table, "");
		else
			table_add_number(table, (ended - begun) / 1000);
		table_add(table, ended < 0 ? say("under way", "进行中") : outcome_text(text_of(row, "outcome")));
		if (number_of(row, "pid"))
			table_add_number(table, number_of(row, "pid"));
		else
			table_add(table, "");
		table_add(table, error ? error->what[screen_language()] : "");
	}
	putchar('\n');
	table_print(table, stdout, say("nothing was begun yet", "尚未开始"));
	table_free(&table);
}

static void
print_credential(const json_t *credential)
{
	const json_t *evidence = json_object_get(credential, "evidence");

	line(say("credential", "证书"), text_of(credential, "name"));
	line(say("application", "申请号"), text_of(credential, "application"));
	line(say("state", "状态"), state_text("credential", text_of(credential, "state")));
	line(say("key type", "密钥类型"), text_of(credential, "key_type"));
	line_time(say("deadline", "期限"), credential, "deadline_at");
	print_why(json_object_get(credential, "parked"), text_of(credential, "parked_detail"));
	if (*text_of(credential, "choices"))
		line(say("may be ordered", "可下命令"), "");
	print_choices(credential, "  ");
	print_uses(evidence);
	print_certificates(evidence);
	print_proofs(evidence);
	print_journal(credential);
}

/* --- which of them */

static const struct {
	const char *path;
	void      (*print)(const json_t *);
} kinds[] = {
	{ "/v1/applications/", print_application },
	{ "/v1/credentials/", print_credential },
	{ "/v1/tokens/", token_print },
};

int
run_show(struct run *run)
{
	json_t *answer = NULL;
	int r = MINT_NOT_FOUND;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && r == MINT_NOT_FOUND; i++) {
		char path[LOOK_PATH_BYTES];

		json_decref(answer);
		answer = NULL;
		snprintf(path, sizeof path, "%s", kinds[i].path);
		if (client_escape(path, sizeof path, run->arguments[0]) != 0)
			return command_fail_with(run, MINT_ARGUMENT, run->arguments[0]);
		r = client_get(run->client, path, LOOK_TIMEOUT_MS, &answer);
		if (r == 0 && !command_print_json(run, answer))
			kinds[i].print(answer);
	}
	if (r != 0)
		return command_fail(run, r, answer);
	json_decref(answer);
	return 0;
}

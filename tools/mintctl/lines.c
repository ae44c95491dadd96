#include "tools/mintctl/lines.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/screen.h"

#include <string.h>

enum { TITLE_COLUMNS = 26 };

void
line(const char *title, const char *value)
{
	if (!value || !*value)
		return;
	text_pad(stdout, title, TITLE_COLUMNS);
	printf("%s%s\n", text_width(title) < TITLE_COLUMNS ? "" : "  ", value);
}

void
line_number(const char *title, long long value)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", value);
	line(title, text);
}

void
line_time(const char *title, const json_t *object, const char *name)
{
	char text[SCREEN_TIME_BYTES];

	if (!*text_of(object, name))
		return;
	screen_time(text_of(object, name), text);
	line(title, text);
}

/* How a use or a step ended, and what a certificate is now: schemas/sql/. */
const char *
outcome_text(const char *outcome)
{
	static const struct {
		const char *name, *zh;
	} outcomes[] = {
		{ "done", "完成" }, { "failed", "失败" }, { "lost", "中断" }, { "packed", "已装袋" }, { "abandoned", "已放弃" },
		{ "reserved", "待提交" }, { "asked", "签发中" }, { "unknown", "结果未知" }, { "refused", "被拒绝" }, { "signed", "已签发" },
		{ "live", "有效" }, { "revoking", "吊销中" }, { "revoked", "已吊销" },
	};

	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		if (strcmp(outcomes[i].name, outcome) == 0)
			return say(outcome, outcomes[i].zh);
	return outcome;
}

/* Why it waits for a person, and what that person does. */
void
print_why(const json_t *why, const char *detail)
{
	if (!json_is_object(why))
		return;
	line(say("why", "原因"), words_of(why, "what"));
	line(say("detail", "详情"), detail);
	line(say("do", "处理"), words_of(why, "do"));
}

void
print_choices(const json_t *credential, const char *indent)
{
	const char *choices = text_of(credential, "choices");

	if (!*choices)
		return;
	printf("%smintctl resolve %s --as ", indent, text_of(credential, "name"));
	for (; *choices; choices++)
		putchar(*choices == ' ' ? '|' : *choices);
	printf(" --why %s\n", say("…", "原因"));
}

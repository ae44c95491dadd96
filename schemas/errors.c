/* Look-ups in the one list of errors. */
#include "schemas/errors.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct error_info rows[] = {
	{ MINT_OK, 0, "OK", { "done", "完成" }, { "nothing", "无" } },
#define ERROR(name, number, status, what_en, what_zh, do_en, do_zh) \
	{ MINT_##name, status, #name, { what_en, what_zh }, { do_en, do_zh } },
#include "schemas/errors.def"
#undef ERROR
};

static const struct error_info unknown = {
	0, 70, "UNKNOWN", { "an unknown error", "未知错误" }, { "report the log", "请上报日志" },
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct error_info *
error_info(int code)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].code == -abs(code))
			return &rows[i];
	return &unknown;
}

const struct error_info *
error_by_name(const char *name)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

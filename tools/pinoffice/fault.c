#include "tools/pinoffice/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int         exit_status;
	const char *what[2], *next[2];
} list[FAULT_COUNT] = {
#define FAULT(name, exit, what_en, what_zh, do_en, do_zh) [FAULT_##name] = { #name, exit, { what_en, what_zh }, { do_en, do_zh } },
#include "tools/pinoffice/faults.def"
#undef FAULT
};

struct faults {
	json_t *told;
	int     collect, exit_status;
};

static int chinese;

void
fault_language(const char *wanted)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof names / sizeof names[0] && (!wanted || !*wanted); i++)
		wanted = getenv(names[i]);
	chinese = wanted && strncmp(wanted, "zh", 2) == 0;
}

const char *
fault_say(const char *en, const char *zh)
{
	return chinese ? zh : en;
}

struct faults *
faults_new(int collect)
{
	struct faults *faults = calloc(1, sizeof *faults);

	if (!faults)
		return NULL;
	faults->collect = collect;
	faults->told = json_array();
	if (!faults->told)
		faults_free(&faults);
	return faults;
}

void
faults_free(struct faults **faults)
{
	if (*faults)
		json_decref((*faults)->told);
	free(*faults);
	*faults = NULL;
}

void
fault_tell(struct faults *faults, enum fault fault, const char *object, const char *detail)
{
	if (faults->exit_status == 0)
		faults->exit_status = list[fault].exit_status;
	if (faults->collect)
		json_array_append_new(faults->told, json_pack("{s:s,s:s,s:s?,s:{s:s,s:s},s:{s:s,s:s}}", "fault", list[fault].name,
		    "object", object, "detail", detail, "what", "en", list[fault].what[0], "zh", list[fault].what[1],
		    "do", "en", list[fault].next[0], "zh", list[fault].next[1]));
	else
		fprintf(stderr, "mint-pins: %s: %s%s%s: %s\n", object, list[fault].what[chinese], detail && *detail ? ": " : "",
		    detail ? detail : "", list[fault].next[chinese]);
}

int
faults_collects(const struct faults *faults)
{
	return faults->collect;
}

int
faults_exit_status(const struct faults *faults)
{
	return faults->exit_status;
}

json_t *
faults_json(const struct faults *faults)
{
	return faults->told;
}

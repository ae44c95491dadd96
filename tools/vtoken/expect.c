#include "tools/vtoken/expect.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
changes(const struct slot_status *status)
{
	return status->changes;
}

static uint64_t
commands(const struct slot_status *status)
{
	return status->commands;
}

static uint64_t
connected(const struct slot_status *status)
{
	return status->connected;
}

static uint64_t
fired(const struct slot_status *status)
{
	return status->fired;
}

static uint64_t
generating(const struct slot_status *status)
{
	return status->generating;
}

static uint64_t
generations(const struct slot_status *status)
{
	return status->generations;
}

static uint64_t
present(const struct slot_status *status)
{
	return status->serial != NULL;
}

static const struct {
	const char *name;
	uint64_t (*value)(const struct slot_status *status);
} fields[] = {
	{ "changes", changes }, { "commands", commands },       { "connected", connected }, { "fired", fired },
	{ "generating", generating }, { "generations", generations }, { "present", present },
};
#define FIELDS (sizeof fields / sizeof fields[0])

static bool
equal(uint64_t left, uint64_t right)
{
	return left == right;
}

static bool
at_least(uint64_t left, uint64_t right)
{
	return left >= right;
}

static bool
at_most(uint64_t left, uint64_t right)
{
	return left <= right;
}

static const struct {
	const char *name;
	bool (*holds)(uint64_t left, uint64_t right);
} relations[] = { { "=", equal }, { ">=", at_least }, { "<=", at_most } };
#define RELATIONS (sizeof relations / sizeof relations[0])

bool
expect_number(const char *word, uint64_t most, uint64_t *number)
{
	if (!*word || strspn(word, "0123456789") != strlen(word))
		return false;
	errno = 0;
	*number = strtoull(word, NULL, 10);
	return !errno && *number <= most;
}

const char *
expect_parse(struct expectation *expectation, char *const words[3])
{
	for (expectation->field = 0; expectation->field < FIELDS; expectation->field++)
		if (strcmp(fields[expectation->field].name, words[0]) == 0)
			break;
	for (expectation->relation = 0; expectation->relation < RELATIONS; expectation->relation++)
		if (strcmp(relations[expectation->relation].name, words[1]) == 0)
			break;
	if (expectation->field == FIELDS)
		return "fields: changes commands connected fired generating generations present";
	if (expectation->relation == RELATIONS)
		return "relations: = >= <=";
	return expect_number(words[2], UINT64_MAX, &expectation->number) ? NULL : "not a number";
}

bool
expect_met(const struct expectation *expectation, const struct slot_status *status)
{
	return relations[expectation->relation].holds(fields[expectation->field].value(status), expectation->number);
}

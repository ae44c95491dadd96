#include "hostd/base/assign.h"
#include "hostd/base/config.h"
#include "hostd/base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool
is_there(const char *reader, const char *names)
{
	for (const char *name = names; *name; name += strlen(name) + 1)
		if (strcmp(name, reader) == 0)
			return true;
	return false;
}

static bool
is_here(const struct config *config, size_t pcscd, size_t bay)
{
	return config->bays[bay].pcscd == pcscd;
}

static bool
is_taken(const struct config *config, size_t pcscd, const struct assigned *assigned, const char *name)
{
	for (size_t i = 0; i < config->bay_count; i++)
		if (is_here(config, pcscd, i) && (strcmp(assigned[i].reader, name) == 0 || strcmp(config->bays[i].reader, name) == 0))
			return true;
	return false;
}

/* The first in the order of names: pcscd's own order is that of plugging in. */
static const char *
first_free(const struct config *config, size_t pcscd, const struct assigned *assigned, const char *pattern, const char *names)
{
	const char *first = NULL;

	for (const char *name = names; *name; name += strlen(name) + 1)
		if (strlen(name) <= ASSIGN_READER_MAX && text_fits(pattern, name) && !is_taken(config, pcscd, assigned, name) &&
		    (!first || strcmp(name, first) < 0))
			first = name;
	return first;
}

void
assign_readers(const struct config *config, size_t pcscd, const char *names, struct assigned *assigned)
{
	for (size_t i = 0; i < config->bay_count; i++) {
		if (!is_here(config, pcscd, i))
			continue;
		if (!config_bay_is_pattern(&config->bays[i]))
			snprintf(assigned[i].reader, sizeof assigned[i].reader, "%s", config->bays[i].reader);
		else if (!is_there(assigned[i].reader, names))
			assigned[i].reader[0] = '\0';
	}
	for (size_t i = 0; i < config->bay_count; i++) {
		const char *name;

		if (!is_here(config, pcscd, i) || !config_bay_is_pattern(&config->bays[i]) || assigned[i].reader[0])
			continue;
		name = first_free(config, pcscd, assigned, config->bays[i].reader, names);
		if (name)
			snprintf(assigned[i].reader, sizeof assigned[i].reader, "%s", name);
	}
}

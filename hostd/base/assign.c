#include "hostd/base/assign.h"
#include "hostd/base/config.h"
#include "hostd/base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* More than one pcscd serves (16 in pcscd 1.9.9): those behind are not looked at. */
enum { READERS_MAX = 64 };

struct assigning {
	const struct config        *config;
	size_t                      pcscd;
	const struct assign_reader *readers;
	size_t                      count;
	const char *const          *ports;    /* of each bay; NULL: none is known */
	struct assigned            *assigned;
};

static bool
is_here(const struct assigning *a, size_t bay)
{
	return a->config->bays[bay].pcscd == a->pcscd;
}

static const char *
port_of(const struct assigning *a, size_t bay)
{
	return a->ports ? a->ports[bay] : "";
}

static bool
is_named_whole(const struct assigning *a, size_t bay)
{
	return !port_of(a, bay)[0] && !config_bay_is_pattern(&a->config->bays[bay]);
}

static const struct assign_reader *
reader_named(const struct assigning *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->readers[i].name, name) == 0)
			return &a->readers[i];
	return NULL;
}

/* At a port that is known to be another's: also of a bay of another instance, as ports are the machine's. */
static bool
is_anothers(const struct assigning *a, const struct assign_reader *reader, size_t bay)
{
	for (size_t i = 0; i < a->config->bay_count && reader->port[0]; i++)
		if (i != bay && strcmp(port_of(a, i), reader->port) == 0)
			return true;
	return false;
}

/* A known port counts more than a name: for a bay that has one, other bays' names do not matter. */
static bool
is_taken(const struct assigning *a, size_t bay, const char *name)
{
	bool by_name = !port_of(a, bay)[0];

	for (size_t i = 0; i < a->config->bay_count; i++)
		if (is_here(a, i) && (strcmp(a->assigned[i].reader, name) == 0 ||
		    (by_name && is_named_whole(a, i) && strcmp(a->config->bays[i].reader, name) == 0)))
			return true;
	return false;
}

/* What a bay may have at all. */
static bool
fits(const struct assigning *a, size_t bay, const struct assign_reader *reader)
{
	const struct config_bay *configured = &a->config->bays[bay];

	if (port_of(a, bay)[0])
		return strcmp(port_of(a, bay), reader->port) == 0 &&
		    (!config_bay_is_pattern(configured) || text_fits(configured->reader, reader->name));
	return text_fits(configured->reader, reader->name) && !is_anothers(a, reader, bay);
}

/* The first in the order of names: pcscd's own order is that of plugging in. */
static const char *
first_free(const struct assigning *a, size_t bay)
{
	const char *first = NULL;

	for (size_t i = 0; i < a->count; i++) {
		const char *name = a->readers[i].name;

		if (strlen(name) <= ASSIGN_READER_MAX && fits(a, bay, &a->readers[i]) && !is_taken(a, bay, name) && (!first || strcmp(name, first) < 0))
			first = name;
	}
	return first;
}

/* A name that is given whole stands also while the reader is not there. */
static void
keep_or_clear(const struct assigning *a, size_t bay)
{
	const struct assign_reader *now = reader_named(a, a->assigned[bay].reader);
	const char *name = a->config->bays[bay].reader;

	if (is_named_whole(a, bay)) {
		const struct assign_reader *named = reader_named(a, name);

		snprintf(a->assigned[bay].reader, sizeof a->assigned[bay].reader, "%s", named && is_anothers(a, named, bay) ? "" : name);
	} else if (!now || !fits(a, bay, now)) {
		a->assigned[bay].reader[0] = '\0';
	}
}

static void
give(const struct assigning *a, bool with_port)
{
	for (size_t i = 0; i < a->config->bay_count; i++) {
		const char *name;

		if (!is_here(a, i) || config_bay_is_slot(&a->config->bays[i]) || a->assigned[i].reader[0] || is_named_whole(a, i) ||
		    (port_of(a, i)[0] != '\0') != with_port)
			continue;
		name = first_free(a, i);
		if (name)
			snprintf(a->assigned[i].reader, sizeof a->assigned[i].reader, "%s", name);
	}
}

void
assign_readers(const struct config *config, size_t pcscd, const struct assign_reader *readers, size_t count, const char *const *ports,
    struct assigned *assigned)
{
	const struct assigning a = { config, pcscd, readers, count, ports, assigned };

	for (size_t i = 0; i < config->bay_count; i++)
		if (is_here(&a, i) && !config_bay_is_slot(&config->bays[i]))
			keep_or_clear(&a, i);
	give(&a, true);
	give(&a, false);
}

void
assign_readers_by_name(const struct config *config, size_t pcscd, const char *names, struct assigned *assigned)
{
	struct assign_reader readers[READERS_MAX];
	size_t count = 0;

	for (const char *name = names; *name && count < READERS_MAX; name += strlen(name) + 1)
		readers[count++] = (struct assign_reader){ name, "" };
	assign_readers(config, pcscd, readers, count, NULL, assigned);
}

#include "tools/operator/pile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pile {
	FILE  *file;
	char **markers;
	size_t count;
};

static int
remember(struct pile *pile, const char *marker)
{
	char **grown = realloc(pile->markers, (pile->count + 1) * sizeof *grown);

	if (!grown)
		return -1;
	pile->markers = grown;
	grown[pile->count] = strdup(marker);
	return grown[pile->count] ? (int)(pile->count++, 0) : -1;
}

struct pile *
pile_open(const char *path)
{
	struct pile *pile = calloc(1, sizeof *pile);
	char line[128];

	if (!pile)
		return NULL;
	pile->file = fopen(path, "a+e");
	if (!pile->file) {
		pile_free(&pile);
		return NULL;
	}
	rewind(pile->file);
	while (fgets(line, sizeof line, pile->file)) {
		char *end = strchr(line, '\n');

		if (!end)
			break; /* the last line was cut by a power loss: that token was not taken yet */
		*end = '\0';
		if (remember(pile, line) != 0)
			break;
	}
	return pile;
}

void
pile_free(struct pile **place)
{
	struct pile *pile = *place;

	*place = NULL;
	if (!pile)
		return;
	for (size_t i = 0; i < pile->count; i++)
		free(pile->markers[i]);
	free(pile->markers);
	if (pile->file)
		fclose(pile->file);
	free(pile);
}

int
pile_has(const struct pile *pile, const char *marker)
{
	for (size_t i = 0; i < pile->count; i++)
		if (strcmp(pile->markers[i], marker) == 0)
			return 1;
	return 0;
}

int
pile_add(struct pile *pile, const char *marker)
{
	if (pile_has(pile, marker))
		return 0;
	fseek(pile->file, 0, SEEK_END);
	if (fprintf(pile->file, "%s\n", marker) < 0 || fflush(pile->file) != 0 || fdatasync(fileno(pile->file)) != 0)
		return -1;
	return remember(pile, marker);
}

size_t
pile_count(const struct pile *pile)
{
	return pile->count;
}

const char *
pile_first(const struct pile *pile)
{
	return pile->count > 0 ? pile->markers[0] : NULL;
}

/* A power cut in the middle leaves fewer lines than lie there: what is forgotten is found by looking into the box. */
static int
write_anew(struct pile *pile)
{
	if (ftruncate(fileno(pile->file), 0) != 0)
		return -1;
	for (size_t i = 0; i < pile->count; i++)
		if (fprintf(pile->file, "%s\n", pile->markers[i]) < 0)
			return -1;
	return fflush(pile->file) != 0 || fdatasync(fileno(pile->file)) != 0 ? -1 : 0;
}

int
pile_drop(struct pile *pile, const char *marker)
{
	for (size_t i = 0; i < pile->count; i++)
		if (strcmp(pile->markers[i], marker) == 0) {
			free(pile->markers[i]);
			memmove(&pile->markers[i], &pile->markers[i + 1], (pile->count - i - 1) * sizeof *pile->markers);
			pile->count--;
			return write_anew(pile);
		}
	return 0;
}

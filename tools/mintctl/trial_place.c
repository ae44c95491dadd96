#include "tools/mintctl/trial_place.h"
#include "hostd/base/text.h"
#include "schemas/errors.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int because(char *, int, const char *, ...) __attribute__((format(printf, 3, 4)));

static int
because(char *why, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, PLACE_WHY_BYTES, format, arguments);
	va_end(arguments);
	return error;
}

/* --- readers */

/* Which bay would get the reader now, by the rules of mint-bench. */
static const struct config_bay *
bay_of(const struct config *config, size_t pcscd, const struct readers *readers, const char *name)
{
	struct assigned *assigned = calloc(config->bay_count, sizeof *assigned);
	const struct config_bay *bay = NULL;

	if (!assigned)
		return NULL;
	assign_readers_by_name(config, pcscd, readers->names, assigned);
	for (size_t i = 0; i < config->bay_count && !bay; i++)
		if (config->bays[i].pcscd == pcscd && strcmp(assigned[i].reader, name) == 0)
			bay = &config->bays[i];
	free(assigned);
	return bay;
}

static const struct reader *
reader_of(const struct config *config, const struct readers *readers, const struct config_bay *bay)
{
	for (size_t i = 0; i < readers->count; i++)
		if (bay_of(config, bay->pcscd, readers, readers->list[i].name) == bay)
			return &readers->list[i];
	return NULL;
}

/* "A", "B" */
static void
list_readers(const struct readers *readers, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < readers->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s\"%s\"", i ? ", " : "", readers->list[i].name);
	if (readers->count == 0)
		snprintf(text, size, "%s", say("none", "无"));
}

/* The only one that the words fit, those with a card before those without. */
static int
match(const struct readers *readers, const char *words, const struct reader **found, char *why)
{
	size_t count = 0, cards = 0;
	char names[300];

	*found = readers_find(readers, words);
	if (*found)
		return 0;
	for (size_t i = 0; i < readers->count; i++) {
		const struct reader *reader = &readers->list[i];

		if (!text_fits(words, reader->name))
			continue;
		count++;
		cards += reader->state == READER_CARD;
		if (!*found || (reader->state == READER_CARD && (*found)->state != READER_CARD))
			*found = reader;
	}
	if (*found && (count == 1 || cards == 1))
		return 0;
	list_readers(readers, names, sizeof names);
	return because(why, MINT_READER, say("\"%s\" fits %zu readers; there are: %s", "“%s”符合 %zu 个读卡器；现有：%s"), words, count, names);
}

static int
take_reader(struct trial_place *place, const struct config *config, const struct readers *readers, const char *words, char *why)
{
	const struct reader *reader = NULL;
	int r = match(readers, words, &reader, why);

	if (r != 0)
		return r;
	place->reader = *reader;
	place->bay = bay_of(config, place->pcscd, readers, reader->name);
	if (reader->state == READER_MUTE)
		return because(why, MINT_TOKEN_ERROR, say("\"%s\": the card gives no answer to reset", "“%s”：卡片无 ATR 应答"), reader->name);
	if (reader->state != READER_CARD)
		return because(why, MINT_TOKEN_GONE, say("\"%s\": no card is in it", "“%s”：读卡器内无卡"), reader->name);
	return 0;
}

static bool
has_fitting(const struct config *config, size_t pcscd, const char *words)
{
	struct readers readers;
	bool fits = false;

	if (readers_list(config, pcscd, &readers) != 0)
		return false;
	for (size_t i = 0; i < readers.count; i++)
		fits |= text_fits(words, readers.list[i].name);
	readers_free(&readers);
	return fits;
}

/* A bay says which instance; a name alone must be in one only. What is in none is then not found in the first. */
static int
choose_pcscd(struct trial_place *place, const struct config *config, const struct config_bay *bay, const char *words, char *why)
{
	int found = 0;

	place->pcscd = bay ? bay->pcscd : 0;
	for (size_t i = 0; i < config->pcscd_count && !bay && config->pcscd_count > 1; i++)
		if (has_fitting(config, i, words)) {
			place->pcscd = i;
			found++;
		}
	return found < 2 ? 0 : because(why, MINT_READER, say("\"%s\" fits readers of several pcscd instances: give the number of a bay",
	    "“%s”符合多个 pcscd 实例的读卡器：请给出工位号"), words);
}

static int
list_of(const struct trial_place *place, const struct config *config, struct readers *readers, char *why)
{
	int r = readers_list(config, place->pcscd, readers);

	return r == 0 ? 0 : because(why, r, "%s", config_pcscd_path(&config->pcscds[place->pcscd]));
}

/* --- the three ways to name it */

static int
find_bay(struct trial_place *place, const struct config *config, const struct readers *readers, const char *words, char *why)
{
	const struct config_bay *bay = config_bay(config, atoi(words));
	const struct reader *reader;

	if (!bay)
		return because(why, MINT_NOT_FOUND, say("the configuration has no bay %s", "配置中没有工位 %s"), words);
	place->bay = bay;
	if (config_bay_is_slot(bay)) {
		snprintf(place->module, sizeof place->module, "%s", bay->module);
		snprintf(place->slot, sizeof place->slot, "%s", bay->slot);
		return 0;
	}
	reader = reader_of(config, readers, bay);
	if (reader)
		return take_reader(place, config, readers, reader->name, why);
	return because(why, MINT_READER, say("bay %s: no reader is there for \"%s\"", "工位 %s：没有符合“%s”的读卡器"), words, bay->reader);
}

/* A slot without a bay has the environment of this very program. */
static int
find_slot(struct trial_place *place, const char *words, char *why)
{
	const char *hash = strrchr(words, '#');
	size_t length = hash ? (size_t)(hash - words) : strlen(words);

	if (length >= sizeof place->module || (hash && strlen(hash + 1) >= sizeof place->slot))
		return because(why, MINT_ARGUMENT, "%s", words);
	memcpy(place->module, words, length);
	snprintf(place->slot, sizeof place->slot, "%s", hash ? hash + 1 : "");
	if (access(place->module, R_OK) != 0)
		return because(why, MINT_MODULE, "%s: %s", place->module, system_text(errno));
	return 0;
}

/* --- a running bench */

bool
place_bench_runs(const struct config *config, int *lock_fd)
{
	char path[PATH_MAX];
	int fd;
	bool runs;

	if (lock_fd)
		*lock_fd = -1;
	snprintf(path, sizeof path, "%s.lock", config->database);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	runs = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	if (lock_fd && !runs)
		*lock_fd = fd;
	else
		close(fd);
	return runs;
}

/* A slot may be a bay's under another name of its module: any bench with such a module has it. */
static const struct config_bay *
owner(const struct trial_place *place, const struct config *config)
{
	for (size_t i = 0; i < config->bay_count && !place->bay; i++)
		if (place->module[0] && strcmp(config->bays[i].module, place->module) == 0)
			return &config->bays[i];
	return place->bay;
}

static int
hold_off_bench(struct trial_place *place, const struct config *config, char *why)
{
	const struct config_bay *bay = owner(place, config);

	if (!bay || !place_bench_runs(config, &place->lock_fd))
		return 0;
	return because(why, MINT_BUSY, say("the running bench has it: bay %d: stop mintd first", "正在运行的制证台占用：工位 %d：请先停止 mintd"), bay->number);
}

int
place_find(struct trial_place *place, const struct config *config, const char *words, char *why)
{
	bool by_number = words[0] && strspn(words, "0123456789") == strlen(words);
	const struct config_bay *bay = by_number ? config_bay(config, atoi(words)) : NULL;
	struct readers readers = { NULL, 0, NULL };
	int r = 0;

	*place = (struct trial_place){ .lock_fd = -1 };
	why[0] = '\0';
	if (strchr(words, '/')) {
		r = find_slot(place, words, why);
	} else {
		if (!bay || !config_bay_is_slot(bay))
			r = choose_pcscd(place, config, bay, words, why);
		if (r == 0 && (!bay || !config_bay_is_slot(bay)))
			r = list_of(place, config, &readers, why);
		if (r == 0)
			r = by_number ? find_bay(place, config, &readers, words, why) : take_reader(place, config, &readers, words, why);
	}
	readers_free(&readers);
	return r == 0 ? hold_off_bench(place, config, why) : r;
}

void
place_leave(struct trial_place *place)
{
	if (place->lock_fd >= 0)
		close(place->lock_fd);
	place->lock_fd = -1;
}

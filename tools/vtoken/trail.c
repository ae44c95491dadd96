#include "tools/vtoken/trail.h"

#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEADER_LEN 4
#define INS_AT 1
#define P1_AT 2
#define P2_AT 3
#define FIELDS_MAX 320 /* all of a line but command and answer */

struct trail {
	int fd;
};

int
trail_open(struct trail **trail, const char *path)
{
	struct trail *opened = calloc(1, sizeof *opened);

	*trail = NULL;
	if (!opened)
		return MINT_MEMORY;
	opened->fd = -1;
	if (path) {
		opened->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (opened->fd < 0) {
			log_error("%s: cannot be opened: %s", path, strerror(errno));
			free(opened);
			return MINT_STORAGE;
		}
	}
	*trail = opened;
	return 0;
}

void
trail_close(struct trail **trail)
{
	if (*trail) {
		if ((*trail)->fd >= 0)
			close((*trail)->fd);
		free(*trail);
	}
	*trail = NULL;
}

uint64_t
trail_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The class byte is not looked at: chained or of a wrong class, the body is as secret. */
static int
has_secret(const uint8_t *command, size_t len)
{
	if (len <= HEADER_LEN)
		return 0;
	switch (command[INS_AT]) {
	case 0x20: /* VERIFY */
	case 0x24: /* CHANGE REFERENCE DATA */
	case 0x2C: /* RESET RETRY COUNTER */
		return 1;
	case 0xDA: /* PUT DATA: PINs, key parts; 01 E0 holds access rules only */
		return command[P1_AT] != 0x01 || command[P2_AT] != 0xE0;
	default:
		return 0;
	}
}

static char *
put_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 0x0F];
	}
	*out = '\0';
	return out;
}

/* The length byte stays: it shows what kind of command it was. */
void
trail_mask(const uint8_t *command, size_t len, char *out)
{
	size_t clear = has_secret(command, len) ? HEADER_LEN + 1 : len;

	out = put_hex(out, command, clear);
	memset(out, '*', 2 * (len - clear));
	out[2 * (len - clear)] = '\0';
}

static int
put_time(char *out, size_t size, uint64_t at_us)
{
	time_t seconds = (time_t)(at_us / 1000000);
	struct tm broken;
	size_t used;

	gmtime_r(&seconds, &broken);
	used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &broken);
	return (int)used + snprintf(out + used, size - used, ".%06uZ", (unsigned)(at_us % 1000000));
}

static void
write_line(struct trail *trail, const char *line, size_t len)
{
	if (write(trail->fd, line, len) != (ssize_t)len)
		log_warning("APDU log: a line was lost: %s", strerror(errno));
}

void
trail_command(struct trail *trail, const struct trail_entry *entry)
{
	const struct trail_generation *generation = entry->generation;
	char *line, *at;

	if (trail->fd < 0)
		return;
	line = malloc(FIELDS_MAX + 2 * (entry->command_len + entry->answer_len));
	if (!line)
		return;
	at = line + put_time(line, FIELDS_MAX, entry->at_us);
	at += sprintf(at, " slot=%u serial=%s n=%llu us=%llu", entry->slot, entry->serial,
		      (unsigned long long)entry->n, (unsigned long long)entry->took_us);
	if (generation)
		at += sprintf(at, " drawn_us=%llu key=%s source=%s", (unsigned long long)generation->drawn_us,
			      generation->key, generation->source);
	at = stpcpy(at, " > ");
	trail_mask(entry->command, entry->command_len, at);
	at = stpcpy(at + strlen(at), " < ");
	at = entry->answer ? put_hex(at, entry->answer, entry->answer_len) : stpcpy(at, "-");
	*at++ = '\n';
	write_line(trail, line, (size_t)(at - line));
	free(line);
}

void
trail_event(struct trail *trail, unsigned slot, const char *serial, const char *event)
{
	char line[FIELDS_MAX];
	int used;

	if (trail->fd < 0)
		return;
	used = put_time(line, sizeof line, trail_now_us());
	used += snprintf(line + used, sizeof line - (size_t)used, " slot=%u serial=%s event=%s\n", slot, serial, event);
	write_line(trail, line, (size_t)used);
}

#include "hostd/ca/issuelog.h"
#include "hostd/base/log.h"
#include "hostd/base/seam.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct issuelog {
	int      fd;
	uint64_t durable;                       /* bytes known to be on the disk */
	uint64_t number;                        /* of the next record */
	uint8_t  prev[CHECKSUM_BYTES];
	uint64_t synced_number;                 /* the two as they were at `durable`: where a dropped batch goes back to */
	uint8_t  synced_prev[CHECKSUM_BYTES];
	char    *batch;
	size_t   batch_bytes;
	unsigned batch_records;
	int      broken;
};

/* What reading the file found out. */
struct scan {
	FILE    *file;
	char    *line;
	size_t   room;
	uint64_t good;                          /* bytes of whole, valid, chained lines */
	uint64_t number;
	uint8_t  prev[CHECKSUM_BYTES];
};

static int
write_at(int fd, const char *bytes, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t written = pwrite(fd, bytes, length, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return MINT_STORAGE;
		bytes += written;
		length -= (size_t)written;
		offset += (uint64_t)written;
	}
	return 0;
}

int
issuelog_create(int directory, const uint8_t issuer[DIGEST_BYTES], int64_t at, struct reason *reason)
{
	int fd = openat(directory, ISSUELOG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r;
	struct record record = { .kind = RECORD_OPENED, .at = at };
	uint8_t checksum[CHECKSUM_BYTES];
	char *line;

	if (fd < 0)
		return reason_set(reason, errno == EEXIST ? MINT_EXISTS : MINT_STORAGE, ISSUELOG_NAME ": %s", strerror(errno));
	memcpy(record.issuer, issuer, DIGEST_BYTES);
	line = record_put(&record, checksum);
	r = line ? write_at(fd, line, strlen(line), 0) : MINT_MEMORY;
	if (r == 0 && (fsync(fd) != 0 || fsync(directory) != 0))
		r = MINT_STORAGE;
	if (r != 0)
		reason_set(reason, r, ISSUELOG_NAME ": %s", strerror(errno));
	free(line);
	close(fd);
	return r;
}

/* The next line with its newline, without judging it. Bytes, 0 at the end of the file, −1 when it cannot be read. */
static ssize_t
scan_line(struct scan *scan)
{
	ssize_t bytes = getline(&scan->line, &scan->room, scan->file);

	if (bytes >= 0)
		return bytes;
	return ferror(scan->file) ? -1 : 0;
}

/* Whether what stands from `scan->good` on, its first line being in scan->line, is what a power cut leaves of the last batch:
 * an end cut short, or blocks that were never written (they read as NUL), and behind them no record of a later batch. */
static int
remains_are_torn(struct scan *scan, ssize_t bytes)
{
	uint8_t checksum[CHECKSUM_BYTES];
	struct record record;
	int torn = 0;

	for (; bytes > 0; bytes = scan_line(scan)) {
		if (scan->line[bytes - 1] != '\n' || memchr(scan->line, '\0', (size_t)bytes)) {
			torn = 1;
		} else if (record_get(&record, scan->line, (size_t)bytes - 1, checksum) == 0) {
			uint64_t durable = record.durable;

			record_clear(&record);
			if (durable > scan->good)
				return 0;
		}
	}
	return torn && bytes == 0;
}

static int
scan_records(struct scan *scan, issuelog_visitor *visitor, void *argument, uint64_t *torn, struct reason *reason)
{
	uint8_t checksum[CHECKSUM_BYTES];
	struct record record;
	ssize_t bytes;
	int r = 0;

	while (r == 0 && (bytes = scan_line(scan)) != 0) {
		if (bytes < 0)
			return reason_set(reason, MINT_STORAGE, ISSUELOG_NAME " cannot be read: %s", strerror(errno));
		if (scan->line[bytes - 1] != '\n' || record_get(&record, scan->line, (size_t)bytes - 1, checksum) != 0) {
			if (remains_are_torn(scan, bytes)) {
				*torn = 1;
				return 0;
			}
			return reason_set(reason, MINT_SYNTAX, ISSUELOG_NAME " is damaged at byte %" PRIu64 " (record %" PRIu64
			    "): restore it from a backup; do not start a CA that does not know what it signed", scan->good, scan->number);
		}
		if (record.number != scan->number || memcmp(record.prev, scan->prev, CHECKSUM_BYTES) != 0 ||
		    (record.kind == RECORD_OPENED) != (scan->number == 0) || record.durable > scan->good)
			r = reason_set(reason, MINT_SYNTAX, ISSUELOG_NAME " does not go on at byte %" PRIu64 " (record %" PRIu64
			    "): lines were taken out or put in: restore it from a backup", scan->good, scan->number);
		else
			r = visitor(&record, (struct place){ scan->good, (uint32_t)bytes - 1 }, argument);
		record_clear(&record);
		memcpy(scan->prev, checksum, CHECKSUM_BYTES);
		scan->good += (uint64_t)bytes;
		scan->number++;
	}
	return r;
}

/* Copies the remains beside the log before they are cut off: nobody was answered from them, but nothing is thrown away. */
static int
keep_remains(int directory, int fd, uint64_t offset, uint64_t bytes)
{
	char name[64], *copy = malloc(bytes ? bytes : 1);
	int to, r = MINT_STORAGE;

	snprintf(name, sizeof name, ISSUELOG_NAME ".torn-%" PRIu64, offset);
	to = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (copy && to >= 0 && pread(fd, copy, bytes, (off_t)offset) == (ssize_t)bytes && write_at(to, copy, bytes, 0) == 0 &&
	    fsync(to) == 0 && fsync(directory) == 0)
		r = 0;
	if (to >= 0)
		close(to);
	free(copy);
	return r;
}

static int
cut_remains(struct issuelog *log, int directory, uint64_t bytes, struct reason *reason)
{
	if (keep_remains(directory, log->fd, log->durable, bytes) != 0)
		return reason_set(reason, MINT_STORAGE, ISSUELOG_NAME ": its torn end cannot be kept: check free space");
	if (ftruncate(log->fd, (off_t)log->durable) != 0 || fdatasync(log->fd) != 0)
		return reason_set(reason, MINT_STORAGE, ISSUELOG_NAME ": its torn end cannot be cut: %s", strerror(errno));
	log_warning("issue log: the last %" PRIu64 " bytes were torn by a power cut and never answered: cut at %" PRIu64
	    ", kept in " ISSUELOG_NAME ".torn-%" PRIu64, bytes, log->durable, log->durable);
	return 0;
}

/* After a failed fdatasync the kernel may show bytes that the disk never got, and count them as clean. Written once more they
 * are dirty again, and this sync tells the truth about them. A batch never was longer than this. */
static int
settle_tail(struct issuelog *log, struct reason *reason)
{
	uint64_t bytes = log->durable < ISSUELOG_BATCH_MAX * RECORD_LINE_MAX ? log->durable : ISSUELOG_BATCH_MAX * RECORD_LINE_MAX;
	char *tail = malloc(bytes ? bytes : 1);
	int r = tail ? MINT_STORAGE : MINT_MEMORY;

	if (tail && pread(log->fd, tail, bytes, (off_t)(log->durable - bytes)) == (ssize_t)bytes &&
	    write_at(log->fd, tail, bytes, log->durable - bytes) == 0 && fdatasync(log->fd) == 0)
		r = 0;
	free(tail);
	return r == 0 ? 0 : reason_set(reason, r, ISSUELOG_NAME ": cannot be written: %s", strerror(errno));
}

static int
open_file(struct issuelog *log, int directory, enum issuelog_mode mode, struct reason *reason)
{
	log->fd = openat(directory, ISSUELOG_NAME, (mode == ISSUELOG_APPEND ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (log->fd < 0)
		return reason_set(reason, errno == ENOENT ? MINT_NOT_FOUND : MINT_STORAGE,
		    ISSUELOG_NAME ": %s: name the CA's directory, or restore the log from a backup", strerror(errno));
	if (mode == ISSUELOG_APPEND && flock(log->fd, LOCK_EX | LOCK_NB) != 0)
		return reason_set(reason, MINT_BUSY, ISSUELOG_NAME " is held by a running mint-ca");
	return 0;
}

static int
read_file(struct issuelog *log, int directory, enum issuelog_mode mode, issuelog_visitor *visitor, void *argument,
    uint64_t *torn_bytes, struct reason *reason)
{
	struct scan scan = { .file = NULL };
	uint64_t torn = 0;
	struct stat status;
	int copy = dup(log->fd), r;

	scan.file = copy >= 0 ? fdopen(copy, "r") : NULL;
	if (!scan.file) {
		if (copy >= 0)
			close(copy);
		return reason_set(reason, MINT_SYSTEM, ISSUELOG_NAME ": %s", strerror(errno));
	}
	r = scan_records(&scan, visitor, argument, &torn, reason);
	fclose(scan.file);
	free(scan.line);
	log->durable = scan.good;
	log->number = log->synced_number = scan.number;
	memcpy(log->prev, scan.prev, CHECKSUM_BYTES);
	memcpy(log->synced_prev, scan.prev, CHECKSUM_BYTES);
	if (r != 0)
		return r;
	if (scan.number == 0)
		return reason_set(reason, MINT_SYNTAX, ISSUELOG_NAME " is empty: restore it from a backup");
	if (torn && fstat(log->fd, &status) == 0)
		*torn_bytes = (uint64_t)status.st_size - scan.good;
	if (mode == ISSUELOG_READ)
		return 0;
	r = *torn_bytes ? cut_remains(log, directory, *torn_bytes, reason) : 0;
	return r == 0 ? settle_tail(log, reason) : r;
}

int
issuelog_open(struct issuelog **out, int directory, enum issuelog_mode mode, issuelog_visitor *visitor, void *argument,
    uint64_t *torn_bytes, struct reason *reason)
{
	struct issuelog *log = calloc(1, sizeof *log);
	uint64_t torn = 0;
	int r;

	*out = NULL;
	if (!log)
		return reason_set(reason, MINT_MEMORY, ISSUELOG_NAME ": out of memory");
	r = open_file(log, directory, mode, reason);
	if (r == 0)
		r = read_file(log, directory, mode, visitor, argument, &torn, reason);
	if (r != 0) {
		issuelog_close(&log);
		return r;
	}
	if (torn_bytes)
		*torn_bytes = torn;
	*out = log;
	return 0;
}

void
issuelog_close(struct issuelog **place)
{
	struct issuelog *log = *place;

	*place = NULL;
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	free(log->batch);
	free(log);
}

int
issuelog_append(struct issuelog *log, struct record *record, struct place *place)
{
	uint8_t checksum[CHECKSUM_BYTES];
	char *line, *batch;
	size_t bytes;

	if (log->batch_records == ISSUELOG_BATCH_MAX)
		return MINT_REFUSED;
	record->number = log->number;
	record->durable = log->durable;
	memcpy(record->prev, log->prev, CHECKSUM_BYTES);
	line = record_put(record, checksum);
	bytes = line ? strlen(line) : 0;
	batch = line ? realloc(log->batch, log->batch_bytes + bytes) : NULL;
	if (!batch) {
		free(line);
		return MINT_MEMORY;
	}
	memcpy(batch + log->batch_bytes, line, bytes);
	free(line);
	*place = (struct place){ log->durable + log->batch_bytes, (uint32_t)bytes - 1 };
	log->batch = batch;
	log->batch_bytes += bytes;
	log->batch_records++;
	log->number++;
	memcpy(log->prev, checksum, CHECKSUM_BYTES);
	return 0;
}

static void
batch_dropped(struct issuelog *log)
{
	log->batch_bytes = 0;
	log->batch_records = 0;
	log->number = log->synced_number;
	memcpy(log->prev, log->synced_prev, CHECKSUM_BYTES);
}

int
issuelog_sync(struct issuelog *log, struct reason *reason)
{
	if (log->batch_records == 0)
		return 0;
	if (log->broken)
		return reason_set(reason, MINT_STORAGE, "the issue log could not be synced before: restart mint-ca");
	if (write_at(log->fd, log->batch, log->batch_bytes, log->durable) != 0) {
		reason_set(reason, MINT_STORAGE, "the issue log cannot be written: %s: check free space", strerror(errno));
		batch_dropped(log);
		log->broken = ftruncate(log->fd, (off_t)log->durable) != 0 || fdatasync(log->fd) != 0;
		return MINT_STORAGE;
	}
	/* Power may fail here: nobody was answered yet, and the next start keeps what is whole and cuts what is torn. */
	if (fdatasync(log->fd) != 0) {
		log->broken = 1;
		batch_dropped(log);
		return reason_set(reason, MINT_STORAGE, "the issue log cannot be synced: %s: check the disk", strerror(errno));
	}
	seam(SEAM_WRITTEN);
	log->durable += log->batch_bytes;
	log->synced_number = log->number;
	memcpy(log->synced_prev, log->prev, CHECKSUM_BYTES);
	log->batch_bytes = 0;
	log->batch_records = 0;
	return 0;
}

int
issuelog_is_broken(const struct issuelog *log)
{
	return log->broken;
}

int
issuelog_read(struct issuelog *log, struct place place, struct record *record)
{
	uint8_t checksum[CHECKSUM_BYTES];
	char line[RECORD_LINE_MAX];

	if (place.bytes > sizeof line)
		return MINT_SYNTAX;
	if (place.offset >= log->durable) {
		uint64_t offset = place.offset - log->durable;

		if (offset + place.bytes > log->batch_bytes)
			return MINT_STORAGE;
		return record_get(record, log->batch + offset, place.bytes, checksum);
	}
	if (pread(log->fd, line, place.bytes, (off_t)place.offset) != (ssize_t)place.bytes)
		return MINT_STORAGE;
	return record_get(record, line, place.bytes, checksum);
}

#include "hostd/queue/damage.h"
#include "hostd/base/keep.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* https://www.sqlite.org/fileformat2.html, 1.3 and 4.1 to 4.3 */
enum {
	FILE_HEADER_BYTES = 100, WAL_HEADER_BYTES = 32, FRAME_HEADER_BYTES = 24, CHECKED_OF_FRAME = 8,
	PAGE_MIN_BYTES = 512, PAGE_MAX_BYTES = 65536,
};

static const char file_magic[16] = "SQLite format 3";
static const uint32_t wal_magic = 0x377f0682; /* and with bit 0: checksums of big-endian words */

struct wal {
	int      fd;
	int      big_endian;
	uint32_t page_bytes;
	uint32_t sum[2];
	uint8_t  salts[8];
};

static uint32_t
big32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t
little32(const uint8_t *bytes)
{
	return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static void
add_to_sum(struct wal *wal, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i += 8) {
		wal->sum[0] += (wal->big_endian ? big32(bytes + i) : little32(bytes + i)) + wal->sum[1];
		wal->sum[1] += (wal->big_endian ? big32(bytes + i + 4) : little32(bytes + i + 4)) + wal->sum[0];
	}
}

static int
sum_is(const struct wal *wal, const uint8_t *bytes)
{
	return wal->sum[0] == big32(bytes) && wal->sum[1] == big32(bytes + 4);
}

static int
read_at(int fd, uint8_t *bytes, size_t length, off_t offset)
{
	return pread(fd, bytes, length, offset) == (ssize_t)length;
}

static int
header_is_sound(struct wal *wal)
{
	uint8_t header[WAL_HEADER_BYTES];

	if (!read_at(wal->fd, header, sizeof header, 0) || (big32(header) & ~1u) != wal_magic)
		return 0;
	wal->big_endian = big32(header) & 1;
	wal->page_bytes = big32(header + 8);
	memcpy(wal->salts, header + 16, sizeof wal->salts);
	add_to_sum(wal, header, 24);
	return wal->page_bytes >= PAGE_MIN_BYTES && wal->page_bytes <= PAGE_MAX_BYTES && sum_is(wal, header + 24);
}

/* Frame by frame as SQLite's recovery reads them. A power cut leaves at most one transaction of this log that never was synced, whatever
 * of its frames has reached the disk: two ends of transactions behind a broken frame were synced, and told to somebody. The log
 * is emptied at each start, so none is left of an earlier cut. */
static int
frames_are_sound(struct wal *wal, off_t size)
{
	size_t frame_bytes = FRAME_HEADER_BYTES + wal->page_bytes;
	uint8_t *frame = malloc(frame_bytes);
	int broken = 0, ends_behind = 0;

	for (off_t at = WAL_HEADER_BYTES; frame && at + (off_t)frame_bytes <= size; at += (off_t)frame_bytes) {
		int ours = read_at(wal->fd, frame, frame_bytes, at) && memcmp(frame + 8, wal->salts, sizeof wal->salts) == 0;

		if (!broken) {
			add_to_sum(wal, frame, CHECKED_OF_FRAME);
			add_to_sum(wal, frame + FRAME_HEADER_BYTES, wal->page_bytes);
			broken = !ours || !sum_is(wal, frame + 16);
		}
		if (broken && ours && big32(frame + 4) != 0)
			ends_behind++;
	}
	free(frame);
	return ends_behind < 2;
}

static int
look_at_wal(const char *path, char *why, size_t why_bytes)
{
	struct wal wal = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct stat status;
	int r = 0;

	if (wal.fd < 0 && errno == ENOENT)
		return 0;
	if (wal.fd < 0 || fstat(wal.fd, &status) != 0) {
		snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
		r = MINT_STORAGE;
	} else if (status.st_size <= WAL_HEADER_BYTES) {
		r = 0; /* empty, or cut while its header was written: nothing was in it */
	} else if (!header_is_sound(&wal)) {
		snprintf(why, why_bytes, "%s: its head is no head of a write-ahead log, what was committed last stands behind it", path);
		r = MINT_DAMAGED;
	} else if (!frames_are_sound(&wal, status.st_size)) {
		snprintf(why, why_bytes, "%s: transactions stand behind a place that cannot be read", path);
		r = MINT_DAMAGED;
	}
	if (wal.fd >= 0)
		close(wal.fd);
	return r;
}

/* Beside a write-ahead log a file may be shorter than its head says: power failed while the log was being folded in, and has all
 * that is missing. */
static int
look_at_file(int fd, const char *path, int has_log, char *why, size_t why_bytes)
{
	uint8_t header[FILE_HEADER_BYTES];
	struct stat status;
	uint32_t page_bytes;

	if (fstat(fd, &status) != 0) {
		snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
		return MINT_STORAGE;
	}
	/* A new record has its name only when it is whole. */
	if (status.st_size == 0) {
		snprintf(why, why_bytes, "%s: it is empty: what was in it is lost", path);
		return MINT_DAMAGED;
	}
	if (!read_at(fd, header, sizeof header, 0) || memcmp(header, file_magic, sizeof file_magic) != 0) {
		snprintf(why, why_bytes, "%s: its head is no head of a database", path);
		return MINT_DAMAGED;
	}
	page_bytes = (uint32_t)header[16] << 8 | header[17];
	page_bytes = page_bytes == 1 ? PAGE_MAX_BYTES : page_bytes;
	/* The size in the header counts where both change counters agree (1.3.8); SQLite refuses a shorter file only when it comes to it. */
	if (page_bytes < PAGE_MIN_BYTES || (!has_log && memcmp(header + 24, header + 92, 4) == 0 && (int64_t)big32(header + 28) * page_bytes > status.st_size)) {
		snprintf(why, why_bytes, "%s: it is cut short: %lld of %lld bytes are there", path, (long long)status.st_size,
		    (long long)big32(header + 28) * page_bytes);
		return MINT_DAMAGED;
	}
	return 0;
}

/* The mark's name goes with the file's, so that who clears a place for a new record with one pattern clears both. */
static void
name_mark(const char *path, char *mark, size_t mark_bytes)
{
	snprintf(mark, mark_bytes, "%s.made", path);
}

static int
look_at_nothing(const char *path, int has_log, char *why, size_t why_bytes)
{
	char mark[PATH_MAX];

	name_mark(path, mark, sizeof mark);
	if (has_log)
		snprintf(why, why_bytes, "%s: it is not there, but its write-ahead log is", path);
	else if (access(mark, F_OK) == 0)
		snprintf(why, why_bytes, "%s: it is not there, but it was (only who wants an empty record in its place removes %s)", path, mark);
	else
		return 0;
	return MINT_DAMAGED;
}

/* Empty, so there is no half of it: its name is all that counts. */
void
damage_expect(const char *path)
{
	char mark[PATH_MAX], *parent = strdup(path);
	int directory = -1;

	name_mark(path, mark, sizeof mark);
	if (access(mark, F_OK) == 0)
		goto out;
	directory = parent ? open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (directory < 0 || keep_file(directory, basename(mark), "", 0) < 0 || keep_sync(directory) != 0)
		log_warning("%s.made: %s: should the record be lost, the next start will not notice", path, strerror(errno));
out:
	if (directory >= 0)
		close(directory);
	free(parent);
}

int
damage_look(const char *path, char *why, size_t why_bytes)
{
	char wal[PATH_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC), missing = fd < 0 && errno == ENOENT, has_log, r = 0;
	struct stat status;

	snprintf(wal, sizeof wal, "%s-wal", path);
	has_log = stat(wal, &status) == 0 && status.st_size > WAL_HEADER_BYTES;
	if (missing)
		return look_at_nothing(path, has_log, why, why_bytes);
	if (fd < 0) {
		snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
		return MINT_STORAGE;
	}
	r = look_at_file(fd, path, has_log, why, why_bytes);
	close(fd);
	return r == 0 ? look_at_wal(wal, why, why_bytes) : r;
}

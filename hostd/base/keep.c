#include "hostd/base/keep.h"
#include "hostd/base/seam.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 256, PART_BYTES = 4096 };

static ssize_t
read_some(int fd, void *part, size_t length)
{
	ssize_t got;

	do
		got = read(fd, part, length);
	while (got < 0 && errno == EINTR);
	return got;
}

/* KEEP_SAME, MINT_EXISTS, MINT_STORAGE; KEEP_NEW when no such file is there. */
static int
compare(int directory, const char *name, const char *bytes, size_t length)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char part[PART_BYTES];
	size_t at = 0;
	ssize_t got = 0;
	int same = 1;

	if (fd < 0)
		return errno == ENOENT ? KEEP_NEW : errno == ELOOP ? MINT_EXISTS : MINT_STORAGE;
	while (same && (got = read_some(fd, part, sizeof part)) > 0) {
		same = (size_t)got <= length - at && memcmp(part, bytes + at, (size_t)got) == 0;
		at += (size_t)got;
	}
	close(fd);
	if (got < 0)
		return MINT_STORAGE;
	return same && at == length ? KEEP_SAME : MINT_EXISTS;
}

int
keep_write(int fd, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length > 0) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return MINT_STORAGE;
		bytes += put;
		length -= (size_t)put;
	}
	return 0;
}

/* Under a name that nobody takes for the file; what an interrupted run left of it is written over. */
static int
write_new(int directory, const char *name, const void *bytes, size_t length)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? MINT_STORAGE : keep_write(fd, bytes, length);

	if (r == 0 && fsync(fd) != 0)
		r = MINT_STORAGE;
	if (fd >= 0 && close(fd) != 0)
		r = MINT_STORAGE;
	if (r == 0)
		seam(SEAM_WRITTEN);
	return r;
}

static int
new_name(const char *name, char *text)
{
	return snprintf(text, NAME_BYTES, "%s.new", name) < NAME_BYTES ? 0 : MINT_STORAGE;
}

int
keep_file(int directory, const char *name, const void *bytes, size_t length)
{
	char written[NAME_BYTES];
	int r = compare(directory, name, bytes, length), moved;

	if (r != KEEP_NEW)
		return r;
	if (new_name(name, written) != 0 || write_new(directory, written, bytes, length) != 0)
		return MINT_STORAGE;
	moved = renameat2(directory, written, directory, name, RENAME_NOREPLACE);
	/* Some file systems cannot promise it; nothing was there a moment ago. */
	if (moved != 0 && errno == EINVAL)
		moved = renameat(directory, written, directory, name);
	if (moved == 0) {
		seam(SEAM_RENAMED);
		return KEEP_NEW;
	}
	return errno == EEXIST ? MINT_EXISTS : MINT_STORAGE;
}

int
keep_instead(int directory, const char *name, const void *bytes, size_t length)
{
	char written[NAME_BYTES];

	if (new_name(name, written) != 0 || write_new(directory, written, bytes, length) != 0)
		return MINT_STORAGE;
	if (renameat(directory, written, directory, name) != 0)
		return MINT_STORAGE;
	seam(SEAM_RENAMED);
	return 0;
}

static int
sync_parent(int at, const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? openat(at, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = fd >= 0 ? keep_sync(fd) : MINT_STORAGE, saved = errno;

	if (fd >= 0)
		close(fd);
	free(copy);
	errno = saved;
	return r;
}

int
keep_directory(int at, const char *path, unsigned mode)
{
	if (mkdirat(at, path, (mode_t)mode) != 0)
		return errno == EEXIST ? 0 : MINT_STORAGE;
	return sync_parent(at, path);
}

int
keep_sync(int directory)
{
	return fsync(directory) == 0 ? 0 : MINT_STORAGE;
}

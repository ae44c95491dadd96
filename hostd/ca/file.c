#include "hostd/ca/file.h"
#include "hostd/base/keep.h"
#include "hostd/base/seam.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_synced(int fd, const void *bytes, size_t length)
{
	if (keep_write(fd, bytes, length) != 0 || fsync(fd) != 0)
		return MINT_STORAGE;
	seam(SEAM_WRITTEN);
	return 0;
}

static int
write_new(int directory, const char *name, int flags, const void *bytes, size_t length, mode_t mode)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode), r;

	if (fd < 0)
		return errno == EEXIST ? MINT_EXISTS : MINT_STORAGE;
	r = write_synced(fd, bytes, length);
	return close(fd) == 0 ? r : MINT_STORAGE;
}

int
file_create(int directory, const char *name, const void *bytes, size_t length, mode_t mode)
{
	int r = write_new(directory, name, O_EXCL, bytes, length, mode);

	return r == 0 && fsync(directory) != 0 ? MINT_STORAGE : r;
}

int
file_replace(int directory, const char *name, const void *bytes, size_t length, mode_t mode)
{
	char temporary[128];
	int r;

	snprintf(temporary, sizeof temporary, "%s.new", name);
	r = write_new(directory, temporary, O_TRUNC, bytes, length, mode);
	if (r == 0 && (renameat(directory, temporary, directory, name) != 0 || fsync(directory) != 0))
		r = MINT_STORAGE;
	if (r == 0)
		seam(SEAM_RENAMED);
	return r;
}

static int
read_all(int fd, char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t got = read(fd, bytes, length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return MINT_STORAGE;
		bytes += got;
		length -= (size_t)got;
	}
	return 0;
}

int
file_read(int directory, const char *name, size_t max, void **out, size_t *length)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC), r = MINT_STORAGE;
	struct stat status;
	char *bytes = NULL;

	if (fd < 0)
		return errno == ENOENT ? MINT_NOT_FOUND : MINT_STORAGE;
	if (fstat(fd, &status) == 0 && (size_t)status.st_size <= max) {
		bytes = malloc((size_t)status.st_size + 1);
		r = bytes ? read_all(fd, bytes, (size_t)status.st_size) : MINT_MEMORY;
	}
	close(fd);
	if (r != 0) {
		free(bytes);
		return r;
	}
	bytes[status.st_size] = '\0';
	*out = bytes;
	*length = (size_t)status.st_size;
	return 0;
}

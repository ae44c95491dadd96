#include "tools/vtoken/durable.h"

#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
durable_write_at(int fd, const void *bytes, size_t len, size_t offset)
{
	const uint8_t *at = bytes;
	ssize_t written;

	while (len) {
		written = pwrite(fd, at, len, (off_t)offset);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return MINT_STORAGE;
		at += written;
		len -= (size_t)written;
		offset += (size_t)written;
	}
	return 0;
}

int
durable_replace(int directory, const char *name, const void *bytes, size_t len)
{
	char beside[NAME_MAX + 1];
	int fd, error = MINT_STORAGE;

	if (snprintf(beside, sizeof beside, ".%s.%d", name, (int)gettid()) >= (int)sizeof beside)
		return MINT_STORAGE;
	fd = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return MINT_STORAGE;
	if (durable_write_at(fd, bytes, len, 0) == 0 && fsync(fd) == 0 &&
	    renameat(directory, beside, directory, name) == 0 && fsync(directory) == 0)
		error = 0;
	if (error)
		unlinkat(directory, beside, 0);
	close(fd);
	return error;
}

int
durable_remove(int directory, const char *name)
{
	if (unlinkat(directory, name, 0))
		return errno == ENOENT ? MINT_NOT_FOUND : MINT_STORAGE;
	return fsync(directory) ? MINT_STORAGE : 0;
}

int
durable_read(int directory, const char *name, void *bytes, size_t capacity)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return errno == ENOENT ? MINT_NOT_FOUND : MINT_STORAGE;
	while (len < capacity && (got = read(fd, (uint8_t *)bytes + len, capacity - len)) > 0)
		len += (size_t)got;
	if (got > 0)
		got = read(fd, &(char){ 0 }, 1); /* larger than asked for is an error as well */
	close(fd);
	return got == 0 && len <= INT_MAX ? (int)len : MINT_STORAGE;
}

int
durable_directory(const char *path)
{
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return MINT_STORAGE;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? MINT_STORAGE : fd;
}

/* See unsynced.h. An executable's own fsync comes before the C library's, for every object and library of the process. */
#include "tests/unit/unsynced.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, PART_BYTES = 4096 };

/* On the disk: `what` is a sum of a file's bytes, or of one name in a directory with the inode that it leads to. */
struct lasting {
	ino_t    inode;
	uint64_t what;
};

static struct lasting *lasting;
static size_t count;

static uint64_t
mix(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	while (length-- > 0)
		sum = (sum ^ *at++) * UINT64_C(0x100000001b3); /* FNV-1a */
	return sum;
}

static uint64_t
sum_of_name(const char *name, ino_t inode)
{
	return mix(mix(UINT64_C(0xcbf29ce484222325), name, strlen(name)), &inode, sizeof inode);
}

static uint64_t
sum_of_bytes(int fd)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	uint8_t part[PART_BYTES];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(fd, part, sizeof part, at)) > 0) {
		sum = mix(sum, part, (size_t)got);
		at += got;
	}
	return sum;
}

static int
lasts(ino_t inode, uint64_t what)
{
	for (size_t i = 0; i < count; i++)
		if (lasting[i].inode == inode && lasting[i].what == what)
			return 1;
	return 0;
}

static void
forget(ino_t inode)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (lasting[i].inode != inode)
			lasting[kept++] = lasting[i];
	count = kept;
}

static void
remember(ino_t inode, uint64_t what)
{
	lasting = realloc(lasting, (count + 1) * sizeof *lasting);
	if (!lasting)
		abort();
	lasting[count++] = (struct lasting){ inode, what };
}

static void
remember_names(int directory, ino_t inode)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (names && (entry = readdir(names)))
		remember(inode, sum_of_name(entry->d_name, entry->d_ino));
	if (names)
		closedir(names);
}

static int
synced(long number, int fd)
{
	struct stat status;
	long r = syscall(number, fd);
	char path[64];
	int again;

	if (r != 0 || fstat(fd, &status) != 0)
		return (int)r;
	forget(status.st_ino);
	if (S_ISDIR(status.st_mode)) {
		remember_names(fd, status.st_ino);
		return 0;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* it may have been opened for writing alone */
	again = open(path, O_RDONLY | O_CLOEXEC);
	remember(status.st_ino, sum_of_bytes(again));
	close(again);
	return 0;
}

int
fsync(int fd)
{
	return synced(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return synced(SYS_fdatasync, fd);
}

static int
ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), ending_length = strlen(ending);

	return length >= ending_length && strcmp(name + length - ending_length, ending) == 0;
}

static int
is_left_out(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || ends_with(name, "-wal") || ends_with(name, "-shm");
}

static int
bytes_last(const char *path, ino_t inode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), last = fd >= 0 && lasts(inode, sum_of_bytes(fd));

	if (fd >= 0)
		close(fd);
	return last;
}

const char *
unsynced_below(const char *directory)
{
	static char found[PATH_BYTES];
	DIR *names = opendir(directory);
	const struct dirent *entry;
	const char *first = NULL;
	struct stat status;

	if (!names || fstat(dirfd(names), &status) != 0)
		return directory;
	while (!first && (entry = readdir(names))) {
		char path[PATH_BYTES];

		if (is_left_out(entry->d_name))
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		if (!lasts(status.st_ino, sum_of_name(entry->d_name, entry->d_ino)) ||
		    (entry->d_type == DT_REG && !bytes_last(path, entry->d_ino))) {
			memcpy(found, path, sizeof found);
			first = found;
		} else if (entry->d_type == DT_DIR) {
			first = unsynced_below(path);
		}
	}
	closedir(names);
	return first;
}

/* A disk that a power cut can be played on, and that can be full: a library for LD_PRELOAD, between programs and the C library.
 *
 *   DISK_ROOT=DIR   only what lies below is watched (absolute, no symbolic links)
 *   DISK_LOG=FILE   where the changes are written down; on the same file system, not below DISK_ROOT. All programs of a bench share it
 *   DISK_SKIP=A:B   paths below DISK_ROOT that are not watched: output of the test itself
 *   DISK_FULL=FILE  while FILE is there the disk is full, after as many more changes that ask for space as the number in it says
 *   DISK_FULL_ONLY=A:B   and only for these paths below DISK_ROOT
 *
 * disk-cut plays the power cut. What is unlinked or displaced is kept under a second name in DISK_LOG.stash, so an inode number
 * means the same file as long as the log lasts. Not seen: stdio's own writes, mappings, copy_file_range, sendfile; SQLite's -shm,
 * which is a mapping and is built anew after a cut, is left out on purpose. System calls are made directly: nothing here may come
 * back to the functions that stand here.
 */
#include "tests/crash/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The C library's headers may turn these names into others. */
#undef open
#undef open64
#undef openat
#undef openat64

_Static_assert(sizeof(long) == 8, "offsets are passed to system calls in one register");
_Static_assert(offsetof(struct disk_record, directory) == DISK_SHORT_BYTES, "what a record of bytes ends before");

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);

static struct disk_log *disk; /* NULL: not asked for */
static char root[DISK_PATH_BYTES], stash[PATH_MAX];
static const char *skip, *full, *full_only;

/* --- the log */

static void
give_up(const char *what)
{
	dprintf(2, "disk.so: %s: %s\n", what, strerror(errno));
	abort();
}

static void
begin_log(int fd)
{
	pthread_mutexattr_t kind;

	if (ftruncate(fd, (off_t)DISK_LOG_BYTES) != 0)
		give_up("DISK_LOG");
	disk = mmap(NULL, DISK_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (disk == MAP_FAILED)
		give_up("DISK_LOG");
	if (disk->magic == DISK_MAGIC)
		return;
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&disk->mutex, &kind);
	snprintf(disk->root, sizeof disk->root, "%s", root);
	disk->used = (sizeof *disk + 7) / 8 * 8;
	disk->magic = DISK_MAGIC;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *log = getenv("DISK_LOG"), *watched = getenv("DISK_ROOT");
	int fd;

	if (!log || !watched)
		return;
	skip = getenv("DISK_SKIP");
	full = getenv("DISK_FULL");
	full_only = getenv("DISK_FULL_ONLY");
	snprintf(root, sizeof root, "%s", watched);
	snprintf(stash, sizeof stash, "%s.stash", log);
	fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		give_up(log);
	begin_log(fd);
	if (syscall(SYS_mkdirat, AT_FDCWD, stash, 0700) != 0 && errno != EEXIST)
		give_up(stash);
	flock(fd, LOCK_UN); /* the mapping holds the open file: closing it alone does not let go of it */
	close(fd);
}

/* Two changes never cross: what stands in the log is in the order in which it happened. */
static void
lock(void)
{
	if (pthread_mutex_lock(&disk->mutex) == EOWNERDEAD)
		pthread_mutex_consistent(&disk->mutex);
}

static void
unlock(void)
{
	pthread_mutex_unlock(&disk->mutex);
}

static char *
record_place(void)
{
	return (char *)disk + disk->used;
}

static void
record_end(size_t bytes)
{
	((struct disk_record *)(void *)record_place())->bytes = (uint32_t)((bytes + 7) / 8 * 8);
	if (disk->used + bytes + (1 << 20) > DISK_LOG_BYTES) {
		errno = ENOSPC;
		give_up("DISK_LOG is used up");
	}
	__atomic_store_n(&disk->used, disk->used + (bytes + 7) / 8 * 8, __ATOMIC_RELEASE);
}

static void
record_entry(const struct disk_record *entry)
{
	memcpy(record_place(), entry, sizeof *entry);
	record_end(sizeof *entry);
}

/* --- what is watched */

/* Whether a path below the root is one of A:B or lies below one. */
static int
is_among(const char *path, const char *names)
{
	while (names && *names) {
		size_t bytes = strcspn(names, ":");

		if (bytes && strncmp(path, names, bytes) == 0 && strchr("/", path[bytes]))
			return 1;
		names += bytes + (names[bytes] == ':');
	}
	return 0;
}

static int
path_is_watched(const char *path)
{
	size_t length = strlen(root), all = strlen(path);

	if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return 0;
	if (all > 4 && strcmp(path + all - 4, "-shm") == 0)
		return 0;
	path += length + (path[length] == '/');
	return !is_among(path, skip);
}

static int
fd_path(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	path[length < 0 ? 0 : length] = '\0';
	return length < 0 ? -1 : 0;
}

/* A file or directory below the root; `status` is filled in. */
static int
fd_is_watched(int fd, struct stat *status)
{
	char path[PATH_MAX];
	int saved = errno, watched = 0;

	if (disk && fstat(fd, status) == 0 && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)) && fd_path(fd, path) == 0)
		watched = path_is_watched(path);
	errno = saved;
	return watched;
}

/* A name in a directory. */
struct entry {
	int         fd;        /* of the directory, −1: not watched */
	uint64_t    directory;
	const char *name;
	uint64_t    inode;     /* that has the name now, 0: none */
	uint64_t    size;
	int         is_file;
};

static void
entry_look(struct entry *entry)
{
	struct stat status;

	entry->inode = 0;
	if (fstatat(entry->fd, entry->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	entry->inode = status.st_ino;
	entry->size = (uint64_t)status.st_size;
	entry->is_file = S_ISREG(status.st_mode);
}

/* 1 when it is watched; then entry_close it. */
static int
entry_open(struct entry *entry, int at, const char *path)
{
	char parent[PATH_MAX], full_path[PATH_MAX + DISK_NAME_BYTES];
	const char *slash = strrchr(path, '/');
	struct stat status;
	int saved = errno;

	*entry = (struct entry){ .fd = -1, .name = slash ? slash + 1 : path };
	if (!disk || strlen(path) >= PATH_MAX || strlen(entry->name) >= DISK_NAME_BYTES)
		return 0;
	snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	entry->fd = (int)syscall(SYS_openat, at, *parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (entry->fd >= 0 && fstat(entry->fd, &status) == 0 && fd_path(entry->fd, parent) == 0) {
		snprintf(full_path, sizeof full_path, "%s/%s", parent, entry->name);
		entry->directory = status.st_ino;
		entry_look(entry);
		if (path_is_watched(full_path)) {
			errno = saved;
			return 1;
		}
	}
	if (entry->fd >= 0)
		close(entry->fd);
	entry->fd = -1;
	errno = saved;
	return 0;
}

static void
entry_close(struct entry *entry)
{
	int saved = errno;

	if (entry->fd >= 0)
		close(entry->fd);
	errno = saved;
}

/* A second name, before the first is lost. */
static void
keep_inode(const struct entry *entry)
{
	char path[PATH_MAX + 32];
	int saved = errno;

	snprintf(path, sizeof path, "%s/%llu", stash, (unsigned long long)entry->inode);
	if (entry->inode && entry->is_file && syscall(SYS_linkat, entry->fd, entry->name, AT_FDCWD, path, 0) != 0 && errno != EEXIST)
		give_up(path);
	errno = saved;
}

/* --- a full disk */

/* Whether a change at this place (the file's descriptor, or the directory's) that asks for space gets it. */
static int
has_space(int place, const char *name)
{
	struct stat status;
	char text[32] = "", path[PATH_MAX + DISK_NAME_BYTES];
	int fd, saved = errno, left;

	disk->adding++;
	if (full_only && fd_path(place, path) == 0) {
		if (name)
			snprintf(path + strlen(path), DISK_NAME_BYTES, "/%s", name);
		errno = saved;
		if (!is_among(path + strlen(root) + (path[strlen(root)] == '/'), full_only))
			return 1;
	}
	if (!full || stat(full, &status) != 0) {
		disk->full_inode = 0;
		errno = saved;
		return 1;
	}
	if (status.st_ino != disk->full_inode || status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec != disk->full_changed_ns) {
		fd = (int)syscall(SYS_openat, AT_FDCWD, full, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
			give_up(full);
		close(fd);
		disk->full_inode = status.st_ino;
		disk->full_changed_ns = status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
		disk->full_left = atoll(text);
	}
	left = disk->full_left > 0;
	disk->full_left -= left;
	disk->refused += !left;
	errno = left ? saved : ENOSPC;
	return left;
}

/* --- changes of bytes */

/* The old bytes from a descriptor that perhaps may only write. */
static uint64_t
read_old(int fd, char *place, uint64_t offset, uint64_t length)
{
	char link[64];
	uint64_t got = 0;
	int again;

	if (!length)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	again = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		give_up(link);
	while (got < length) {
		ssize_t n = pread(again, place + got, length - got, (off_t)(offset + got));

		if (n <= 0)
			give_up("old bytes");
		got += (uint64_t)n;
	}
	close(again);
	return got;
}

/* Before `length` bytes are written at `offset`, or with length 0 the size becomes `new_size`. */
static void
record_write(int fd, const struct stat *status, uint64_t offset, uint64_t length, uint64_t new_size)
{
	struct disk_record *record = (struct disk_record *)(void *)record_place();
	uint64_t size = (uint64_t)status->st_size, end = length ? offset + length : size;
	uint64_t old = offset < size ? (end < size ? end : size) - offset : 0;
	int saved = errno;

	if (disk->used + old + (1 << 20) > DISK_LOG_BYTES) {
		errno = ENOSPC;
		give_up("DISK_LOG is used up");
	}
	record->change = DISK_WRITE;
	record->inode = status->st_ino;
	record->offset = offset;
	record->length = length;
	record->old_size = size;
	record->new_size = new_size;
	record->old_length = read_old(fd, record_place() + DISK_SHORT_BYTES, offset, old);
	record_end(DISK_SHORT_BYTES + old);
	errno = saved;
}

/* Writes down what is about to be written over. 0, or −1 with ENOSPC. Locked. */
static int
about_to_write(int fd, const struct stat *status, int64_t offset, uint64_t length)
{
	uint64_t size = (uint64_t)status->st_size, at = (uint64_t)offset, end;

	if (offset < 0)
		at = fcntl(fd, F_GETFL) & O_APPEND ? size : (uint64_t)lseek(fd, 0, SEEK_CUR);
	end = at + length;
	if (length == 0)
		return 0;
	if (end > size && !has_space(fd, NULL))
		return -1;
	record_write(fd, status, at, length, end > size ? end : size);
	return 0;
}

static uint64_t
vector_bytes(const struct iovec *parts, int count)
{
	uint64_t bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += parts[i].iov_len;
	return bytes;
}

ssize_t
write(int fd, const void *bytes, size_t length)
{
	struct stat status;
	ssize_t r = -1;

	if (!fd_is_watched(fd, &status))
		return syscall(SYS_write, fd, bytes, length);
	lock();
	if (fstat(fd, &status) == 0 && about_to_write(fd, &status, -1, length) == 0)
		r = syscall(SYS_write, fd, bytes, length);
	unlock();
	return r;
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	struct stat status;
	ssize_t r = -1;

	if (!fd_is_watched(fd, &status))
		return syscall(SYS_pwrite64, fd, bytes, length, offset);
	lock();
	if (fstat(fd, &status) == 0 && about_to_write(fd, &status, offset, length) == 0)
		r = syscall(SYS_pwrite64, fd, bytes, length, offset);
	unlock();
	return r;
}

ssize_t
pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
	return pwrite(fd, bytes, length, offset);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	struct stat status;
	ssize_t r = -1;

	if (!fd_is_watched(fd, &status))
		return syscall(SYS_writev, fd, parts, count);
	lock();
	if (fstat(fd, &status) == 0 && about_to_write(fd, &status, -1, vector_bytes(parts, count)) == 0)
		r = syscall(SYS_writev, fd, parts, count);
	unlock();
	return r;
}

ssize_t
pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	struct stat status;
	ssize_t r = -1;

	if (!fd_is_watched(fd, &status))
		return syscall(SYS_pwritev, fd, parts, count, offset, 0);
	lock();
	if (fstat(fd, &status) == 0 && about_to_write(fd, &status, offset, vector_bytes(parts, count)) == 0)
		r = syscall(SYS_pwritev, fd, parts, count, offset, 0);
	unlock();
	return r;
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
	return pwritev(fd, parts, count, offset);
}

int
ftruncate(int fd, off_t length)
{
	struct stat status;
	int r = -1;

	if (!fd_is_watched(fd, &status))
		return (int)syscall(SYS_ftruncate, fd, length);
	lock();
	if (fstat(fd, &status) == 0 && (length <= status.st_size || has_space(fd, NULL))) {
		record_write(fd, &status, (uint64_t)length, 0, (uint64_t)length);
		r = (int)syscall(SYS_ftruncate, fd, length);
	}
	unlock();
	return r;
}

int
ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}

int
fallocate(int fd, int mode, off_t offset, off_t length)
{
	struct stat status;
	int r = -1;

	if (!fd_is_watched(fd, &status))
		return (int)syscall(SYS_fallocate, fd, mode, offset, length);
	if (mode != 0) {
		errno = EOPNOTSUPP; /* nobody of ours does it; a hole would have to be undone */
		return -1;
	}
	lock();
	if (fstat(fd, &status) == 0 && (offset + length <= status.st_size || has_space(fd, NULL))) {
		if (offset + length > status.st_size)
			record_write(fd, &status, (uint64_t)(offset + length), 0, (uint64_t)(offset + length));
		r = (int)syscall(SYS_fallocate, fd, mode, offset, length);
	}
	unlock();
	return r;
}

int
fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
	return fallocate(fd, mode, offset, length);
}

int
posix_fallocate(int fd, off_t offset, off_t length)
{
	return fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

int
posix_fallocate64(int fd, off64_t offset, off64_t length)
{
	return posix_fallocate(fd, offset, length);
}

/* --- syncing */

static int
sync_with(long call, int fd)
{
	struct stat status;
	int r;

	if (!fd_is_watched(fd, &status))
		return (int)syscall(call, fd);
	lock();
	r = (int)syscall(call, fd);
	if (r == 0) {
		struct disk_record *record = (struct disk_record *)(void *)record_place();

		memset(record, 0, DISK_SHORT_BYTES);
		record->change = DISK_SYNC;
		record->inode = status.st_ino;
		record_end(DISK_SHORT_BYTES);
	}
	unlock();
	return r;
}

int
fsync(int fd)
{
	return sync_with(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return sync_with(SYS_fdatasync, fd);
}

/* sync_file_range(2): "should not be used in portable programs", because it promises nothing: it counts for nothing here. */

/* --- names */

static void
record_new(const struct entry *entry, uint64_t inode)
{
	struct disk_record record = { .change = DISK_CREATE, .inode = inode, .directory = entry->directory };

	snprintf(record.name, sizeof record.name, "%s", entry->name);
	record_entry(&record);
}

/* O_TRUNC on a file that has bytes: they are written down first. Locked. */
static void
about_to_empty(const struct entry *entry)
{
	int saved = errno, fd = (int)syscall(SYS_openat, entry->fd, entry->name, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0)
		record_write(fd, &status, 0, 0, 0);
	if (fd >= 0)
		close(fd);
	errno = saved;
}

static int
open_at(int at, const char *path, int flags, mode_t mode)
{
	struct entry entry;
	int fd = -1;

	if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE || !entry_open(&entry, at, path))
		return (int)syscall(SYS_openat, at, path, flags, mode);
	lock();
	entry_look(&entry);
	if (entry.inode && entry.is_file && entry.size && flags & O_TRUNC && !(flags & O_EXCL))
		about_to_empty(&entry);
	if (entry.inode || !(flags & O_CREAT) || has_space(entry.fd, entry.name))
		fd = (int)syscall(SYS_openat, at, path, flags, mode);
	if (fd >= 0 && !entry.inode) {
		entry_look(&entry);
		record_new(&entry, entry.inode);
	}
	unlock();
	entry_close(&entry);
	return fd;
}

static mode_t
mode_of(int flags, va_list arguments)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name) \
	int \
	name(const char *path, int flags, ...) \
	{ \
		va_list arguments; \
		mode_t mode; \
		va_start(arguments, flags); \
		mode = mode_of(flags, arguments); \
		va_end(arguments); \
		return open_at(AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(name) \
	int \
	name(int at, const char *path, int flags, ...) \
	{ \
		va_list arguments; \
		mode_t mode; \
		va_start(arguments, flags); \
		mode = mode_of(flags, arguments); \
		va_end(arguments); \
		return open_at(at, path, flags, mode); \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int
__open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

int
__openat_2(int at, const char *path, int flags)
{
	return open_at(at, path, flags, 0);
}

int
__openat64_2(int at, const char *path, int flags)
{
	return open_at(at, path, flags, 0);
}

int
mkdirat(int at, const char *path, mode_t mode)
{
	struct entry entry;
	int r = -1;

	if (!entry_open(&entry, at, path))
		return (int)syscall(SYS_mkdirat, at, path, mode);
	lock();
	entry_look(&entry);
	if (entry.inode || has_space(entry.fd, entry.name))
		r = (int)syscall(SYS_mkdirat, at, path, mode);
	if (r == 0) {
		entry_look(&entry);
		record_new(&entry, entry.inode);
	}
	unlock();
	entry_close(&entry);
	return r;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int
linkat(int from_at, const char *from, int at, const char *path, int flags)
{
	struct entry entry;
	int r;

	if (!entry_open(&entry, at, path))
		return (int)syscall(SYS_linkat, from_at, from, at, path, flags);
	lock();
	r = (int)syscall(SYS_linkat, from_at, from, at, path, flags);
	if (r == 0) {
		entry_look(&entry);
		record_new(&entry, entry.inode);
	}
	unlock();
	entry_close(&entry);
	return r;
}

int
link(const char *from, const char *path)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, path, 0);
}

int
unlinkat(int at, const char *path, int flags)
{
	struct disk_record record = { .change = DISK_UNLINK };
	struct entry entry;
	int r;

	if (flags & AT_REMOVEDIR || !entry_open(&entry, at, path))
		return (int)syscall(SYS_unlinkat, at, path, flags);
	lock();
	entry_look(&entry);
	keep_inode(&entry);
	r = (int)syscall(SYS_unlinkat, at, path, flags);
	if (r == 0 && entry.is_file) {
		record.inode = entry.inode;
		record.directory = entry.directory;
		snprintf(record.name, sizeof record.name, "%s", entry.name);
		record_entry(&record);
	}
	unlock();
	entry_close(&entry);
	return r;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

static int
rename_locked(struct entry *old, struct entry *new, unsigned flags)
{
	struct disk_record record = { .change = DISK_RENAME };
	int r;

	entry_look(old);
	entry_look(new);
	if (new->inode && !(flags & RENAME_NOREPLACE))
		keep_inode(new);
	r = (int)syscall(SYS_renameat2, old->fd, old->name, new->fd, new->name, flags);
	if (r == 0 && old->inode != new->inode) {
		record.inode = old->inode;
		record.directory = old->directory;
		record.to_directory = new->directory;
		record.displaced = new->inode;
		snprintf(record.name, sizeof record.name, "%s", old->name);
		snprintf(record.to_name, sizeof record.to_name, "%s", new->name);
		record_entry(&record);
	}
	return r;
}

/* A name that moves into the watched tree or out of it is nothing that a bench does: it counts as durable. */
int
renameat2(int at, const char *path, int to_at, const char *to, unsigned flags)
{
	struct entry old, new = { .fd = -1 };
	int both = entry_open(&old, at, path) && entry_open(&new, to_at, to), r;

	if (both) {
		lock();
		r = rename_locked(&old, &new, flags);
		unlock();
	} else {
		r = (int)syscall(SYS_renameat2, at, path, to_at, to, flags);
	}
	entry_close(&old);
	entry_close(&new);
	return r;
}

int
renameat(int at, const char *path, int to_at, const char *to)
{
	return renameat2(at, path, to_at, to, 0);
}

int
rename(const char *path, const char *to)
{
	return renameat2(AT_FDCWD, path, AT_FDCWD, to, 0);
}

/* disk-cut: makes of a tree that disk.so has watched what a power cut leaves of it. Run when every process that used it is gone.
 *
 * Without a seed the worst that POSIX allows: of each file all bytes since its last sync are as before, of each directory all names.
 * With a seed each unsynced write is lost, kept, or torn into blocks of 512 bytes of which some are kept; of each directory's unsynced
 * changes the first few are kept, because file systems keep their order. A rename from one directory to another lasts once either is
 * synced. A file whose bytes were synced is gone when its name was not.
 */
#include "tests/crash/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 512, WALK_FDS = 32 };

struct change {
	const struct disk_record *record;
	int      synced;
	int      undone;
	uint8_t *written;       /* bytes of the change itself, read before it was taken back */
	uint64_t written_bytes;
};

static struct {
	struct disk_log *log;
	struct change   *changes;
	size_t           count;
	char             stash[PATH_MAX];
	int              seeded;
	uint64_t         random;
	uint64_t         lost, kept, torn, names;
} cut;

static void
fail(const char *what)
{
	fprintf(stderr, "disk-cut: %s: %s\n", what, strerror(errno));
	exit(70);
}

/* splitmix64 */
static uint64_t
random_below(uint64_t bound)
{
	uint64_t z = (cut.random += 0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % bound;
}

/* --- the log */

static void
open_log(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	cut.log = mmap(NULL, DISK_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (cut.log == MAP_FAILED || cut.log->magic != DISK_MAGIC) {
		fprintf(stderr, "disk-cut: %s: is no log of disk.so\n", path);
		exit(65);
	}
	close(fd);
	snprintf(cut.stash, sizeof cut.stash, "%s.stash", path);
}

static void
read_changes(void)
{
	uint64_t at = (sizeof *cut.log + 7) / 8 * 8;

	while (at < cut.log->used) {
		const struct disk_record *record = (const struct disk_record *)(const void *)((const char *)cut.log + at);

		if (cut.count % 1024 == 0)
			cut.changes = realloc(cut.changes, (cut.count + 1024) * sizeof *cut.changes);
		if (!cut.changes)
			fail("memory");
		cut.changes[cut.count++] = (struct change){ .record = record };
		at += record->bytes;
	}
}

static int
is_of_name(const struct disk_record *record)
{
	return record->change == DISK_CREATE || record->change == DISK_UNLINK || record->change == DISK_RENAME;
}

/* A sync of an inode is of all that came before it: its bytes, or its names. */
static void
apply_sync(size_t end, uint64_t inode)
{
	for (size_t i = end; i-- > 0;) {
		const struct disk_record *record = cut.changes[i].record;

		if (record->change == DISK_SYNC && record->inode == inode)
			return; /* what came before that one it has marked itself */
		if (record->change == DISK_WRITE ? record->inode == inode
		                                 : is_of_name(record) && (record->directory == inode || record->to_directory == inode))
			cut.changes[i].synced = 1;
	}
}

/* --- files by their inode */

static uint64_t wanted_inode;
static int wanted_type;
static char found_path[PATH_MAX];

static int
look(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)type, (void)walk;
	if (status->st_ino != wanted_inode || (status->st_mode & S_IFMT) != (mode_t)wanted_type)
		return 0;
	snprintf(found_path, sizeof found_path, "%s", path);
	return 1;
}

static const char *
path_of(uint64_t inode, int type)
{
	char kept[PATH_MAX + 32];
	struct stat status;

	wanted_inode = inode;
	wanted_type = type;
	snprintf(kept, sizeof kept, "%s/%" PRIu64, cut.stash, inode);
	if (type == S_IFREG && stat(kept, &status) == 0 && status.st_ino == inode)
		return snprintf(found_path, sizeof found_path, "%.*s", PATH_MAX - 1, kept), found_path;
	return nftw(cut.log->root, look, WALK_FDS, FTW_PHYS) == 1 ? found_path : NULL;
}

/* --- bytes */

static void
take_back(int fd, struct change *change)
{
	const struct disk_record *record = change->record;
	const uint8_t *old = (const uint8_t *)record + DISK_SHORT_BYTES;
	struct stat status;
	ssize_t got;

	if (record->length) {
		change->written = malloc(record->length);
		got = change->written ? pread(fd, change->written, record->length, (off_t)record->offset) : -1;
		if (got < 0)
			fail("what was written");
		change->written_bytes = (uint64_t)got;
	}
	if (fstat(fd, &status) != 0 || ((uint64_t)status.st_size > record->old_size && ftruncate(fd, (off_t)record->old_size) != 0))
		fail("size");
	if (record->old_length && pwrite(fd, old, record->old_length, (off_t)record->offset) != (ssize_t)record->old_length)
		fail("old bytes");
	if (fstat(fd, &status) != 0 || ((uint64_t)status.st_size < record->old_size && ftruncate(fd, (off_t)record->old_size) != 0))
		fail("size");
	change->undone = 1;
	cut.lost++;
}

static void
write_again(int fd, const struct change *change, uint64_t from, uint64_t to)
{
	if (to > from && pwrite(fd, change->written + from, to - from, (off_t)(change->record->offset + from)) != (ssize_t)(to - from))
		fail("bytes kept");
}

/* Blocks are those of the disk, not of the write. */
static void
write_torn(int fd, const struct change *change)
{
	uint64_t at = 0;

	while (at < change->written_bytes) {
		uint64_t next = at + BLOCK_BYTES - (change->record->offset + at) % BLOCK_BYTES;

		if (next > change->written_bytes)
			next = change->written_bytes;
		if (random_below(2))
			write_again(fd, change, at, next);
		at = next;
	}
	cut.torn++;
}

static void
maybe_keep(int fd, const struct change *change)
{
	switch (random_below(4)) {
	case 0:
	case 1:
		return;
	case 2:
		write_torn(fd, change);
		break;
	default:
		write_again(fd, change, 0, change->written_bytes);
		if (!change->record->length && ftruncate(fd, (off_t)change->record->new_size) != 0)
			fail("size");
		cut.kept++;
	}
}

static void
cut_bytes_of(uint64_t inode)
{
	const char *path = path_of(inode, S_IFREG);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (path && fd < 0)
		fail(path);
	for (size_t i = cut.count; i-- > 0;) {
		struct change *change = &cut.changes[i];

		if (change->record->change != DISK_WRITE || change->record->inode != inode || change->synced)
			continue;
		if (path)
			take_back(fd, change);
		else
			change->undone = 1; /* all its names were lost before the log began to keep them */
	}
	for (size_t i = 0; cut.seeded && path && i < cut.count; i++)
		if (cut.changes[i].record->change == DISK_WRITE && cut.changes[i].record->inode == inode && cut.changes[i].undone)
			maybe_keep(fd, &cut.changes[i]);
	if (fd >= 0)
		close(fd);
}

/* --- names */

static void
entry_path(char path[PATH_MAX], uint64_t directory, const char *name)
{
	const char *parent = path_of(directory, S_IFDIR);

	if (!parent)
		*path = '\0'; /* the directory itself is gone */
	else if (snprintf(path, PATH_MAX, "%s/%s", parent, name) >= PATH_MAX)
		fail(name);
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

/* The inode may be wanted again: an older change may give it another name. */
static void
lose_name(const char *path, uint64_t inode)
{
	char kept[PATH_MAX + 32];
	struct stat status;

	if (lstat(path, &status) != 0 || status.st_ino != inode)
		return;
	snprintf(kept, sizeof kept, "%s/%" PRIu64, cut.stash, inode);
	if (S_ISREG(status.st_mode) && link(path, kept) != 0 && errno != EEXIST)
		fail(kept);
	if (nftw(path, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS) != 0)
		fail(path);
}

static void
find_name(const char *path, uint64_t inode)
{
	char kept[PATH_MAX + 32];

	snprintf(kept, sizeof kept, "%s/%" PRIu64, cut.stash, inode);
	if (inode && link(kept, path) != 0)
		fail(path);
}

static void
take_name_back(struct change *change)
{
	const struct disk_record *record = change->record;
	char path[PATH_MAX], to[PATH_MAX];

	cut.names++;
	change->undone = 1;
	entry_path(path, record->directory, record->name);
	if (!*path)
		return;
	if (record->change == DISK_CREATE) {
		lose_name(path, record->inode);
	} else if (record->change == DISK_UNLINK) {
		find_name(path, record->inode);
	} else {
		entry_path(to, record->to_directory, record->to_name);
		if (!*to)
			return;
		if (rename(to, path) != 0)
			fail(to);
		find_name(to, record->displaced);
	}
}

static size_t
unsynced_names(uint64_t directory)
{
	size_t count = 0;

	for (size_t i = 0; i < cut.count; i++)
		count += is_of_name(cut.changes[i].record) && cut.changes[i].record->directory == directory && !cut.changes[i].synced;
	return count;
}

/* Of a directory's unsynced changes so many of the first are kept. */
static void
keep_first_names(uint64_t directory, size_t keep)
{
	for (size_t i = 0; i < cut.count && keep; i++) {
		struct change *change = &cut.changes[i];

		if (!is_of_name(change->record) || change->record->directory != directory || change->synced)
			continue;
		change->synced = 1;
		keep--;
		cut.kept++;
	}
}

static void
cut_names(void)
{
	for (size_t i = 0; cut.seeded && i < cut.count; i++) {
		const struct disk_record *record = cut.changes[i].record;
		int first = is_of_name(record) && !cut.changes[i].synced;

		for (size_t k = 0; first && k < i; k++)
			first = !(is_of_name(cut.changes[k].record) && cut.changes[k].record->directory == record->directory);
		if (first)
			keep_first_names(record->directory, (size_t)random_below(unsynced_names(record->directory) + 1));
	}
	for (size_t i = cut.count; i-- > 0;)
		if (is_of_name(cut.changes[i].record) && !cut.changes[i].synced)
			take_name_back(&cut.changes[i]);
}

/* --- */

static void
play(void)
{
	for (size_t i = 0; i < cut.count; i++)
		if (cut.changes[i].record->change == DISK_SYNC)
			apply_sync(i, cut.changes[i].record->inode);
	for (size_t i = cut.count; i-- > 0;)
		if (cut.changes[i].record->change == DISK_WRITE && !cut.changes[i].synced && !cut.changes[i].undone)
			cut_bytes_of(cut.changes[i].record->inode);
	cut_names();
	for (size_t i = 0; i < cut.count; i++)
		free(cut.changes[i].written);
	free(cut.changes);
}

/* What is there now is on the disk. */
static void
begin_anew(void)
{
	cut.log->used = (sizeof *cut.log + 7) / 8 * 8;
	if (nftw(cut.stash, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS) != 0 || mkdir(cut.stash, 0700) != 0)
		fail(cut.stash);
}

static void
list_changes(void)
{
	static const char *const names[] = { "?", "write", "sync", "create", "unlink", "rename" };

	for (size_t i = 0; i < cut.count; i++) {
		const struct disk_record *record = cut.changes[i].record;
		const char *name = is_of_name(record) ? record->name : "";

		printf("%zu %s inode %" PRIu64, i, names[record->change], record->inode);
		if (record->change == DISK_WRITE)
			printf(" at %" PRIu64 " bytes %" PRIu64 " size %" PRIu64 " -> %" PRIu64, record->offset, record->length,
			    record->old_size, record->new_size);
		if (*name)
			printf(" %s%s%s", name, record->change == DISK_RENAME ? " -> " : "", record->change == DISK_RENAME ? record->to_name : "");
		putchar('\n');
	}
}

static const char usage[] =
	"usage: disk-cut [--seed N | --list | --counts] LOG\n"
	"Makes of the tree that disk.so has watched what a power cut leaves, and begins the log anew.\n"
	"  --seed N    not the worst case: each unsynced change is lost, kept or torn at random\n"
	"  --list      only print the changes\n"
	"  --counts    only print: changes, changes that asked for space, of them refused because the disk was full\n";

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' }, { "list", no_argument, NULL, 'l' }, { "counts", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int option, list = 0, counts = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (option) {
		case 's':
			cut.seeded = 1;
			cut.random = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			list = 1;
			break;
		case 'c':
			counts = 1;
			break;
		case 'h':
			return fputs(usage, stdout) < 0;
		default:
			return fputs(usage, stderr), 64;
		}
	if (optind + 1 != argc)
		return fputs(usage, stderr), 64;
	open_log(argv[optind]);
	read_changes();
	if (counts) {
		printf("%zu %" PRIu64 " %" PRIu64 "\n", cut.count, cut.log->adding, cut.log->refused);
	} else if (list) {
		list_changes();
	} else {
		play();
		printf("%zu changes: %" PRIu64 " writes taken back, %" PRIu64 " kept, %" PRIu64 " torn; %" PRIu64 " names taken back\n",
		    cut.count, cut.lost, cut.kept, cut.torn, cut.names);
		begin_anew();
	}
	return 0;
}

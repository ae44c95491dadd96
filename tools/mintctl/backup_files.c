#include "hostd/base/keep.h"
#include "schemas/errors.h"
#include "tools/mintctl/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_BYTES = 65536 };

static ssize_t
read_part(int fd, void *part, off_t offset)
{
	ssize_t got;

	do
		got = pread(fd, part, PART_BYTES, offset);
	while (got < 0 && errno == EINTR);
	return got;
}

/* *lines: where the last whole line ends. */
static int
copy_bytes(int from, int to, off_t *lines)
{
	static uint8_t part[PART_BYTES];
	off_t at = 0;
	ssize_t got;

	while ((got = read_part(from, part, at)) > 0) {
		const uint8_t *end = memrchr(part, '\n', (size_t)got);

		if (end)
			*lines = at + (end - part) + 1;
		if (keep_write(to, part, (size_t)got) != 0)
			return MINT_STORAGE;
		at += got;
	}
	return got < 0 ? MINT_STORAGE : 0;
}

int
file_copy(int from, const char *name, int to, const char *as, int whole_lines)
{
	int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, r = MINT_STORAGE;
	struct stat status;
	off_t lines = 0;

	if (in < 0 || fstat(in, &status) != 0)
		goto out;
	out = openat(to, as, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0 || copy_bytes(in, out, &lines) != 0)
		goto out;
	if (whole_lines && ftruncate(out, lines) != 0)
		goto out;
	if (geteuid() == 0 && fchown(out, status.st_uid, status.st_gid) != 0)
		goto out;
	if (fchmod(out, status.st_mode & 0777) == 0 && fsync(out) == 0)
		r = 0;
out:
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) != 0)
		r = MINT_STORAGE;
	return r;
}

int
file_digest(int directory, const char *name, char digest[BACKUP_DIGEST_BYTES])
{
	static uint8_t part[PART_BYTES];
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = MINT_STORAGE;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t sum[EVP_MAX_MD_SIZE];
	ssize_t got = -1;
	off_t at = 0;

	if (fd < 0 || !context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		goto out;
	while ((got = read_part(fd, part, at)) > 0 && EVP_DigestUpdate(context, part, (size_t)got))
		at += got;
	if (got != 0 || !EVP_DigestFinal_ex(context, sum, NULL))
		goto out;
	for (int i = 0; i < 32; i++)
		snprintf(digest + 2 * i, 3, "%02x", sum[i]);
	r = 0;
out:
	EVP_MD_CTX_free(context);
	if (fd >= 0)
		close(fd);
	return r;
}

static int
is_kept(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_type == DT_REG && !(length > 4 && strcmp(entry->d_name + length - 4, ".new") == 0);
}

json_t *
file_names(int directory)
{
	struct dirent **entries = NULL;
	int count = scandirat(directory, ".", &entries, is_kept, alphasort);
	json_t *names = count < 0 ? NULL : json_array();

	for (int i = 0; i < count; i++) {
		json_array_append_new(names, json_string(entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	return names;
}

int
directory_open(int at, const char *path, unsigned mode)
{
	if (mode && mkdirat(at, path, (mode_t)mode) != 0 && errno != EEXIST)
		return -1;
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
parent_sync(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? directory_open(AT_FDCWD, dirname(copy), 0) : -1;
	int r = fd >= 0 && fsync(fd) == 0 ? 0 : MINT_STORAGE;

	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

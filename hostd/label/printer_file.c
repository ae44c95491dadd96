/* The printer that writes files: for the virtual bench, for a shop that prints from a folder, for tests.
 *
 *   DIRECTORY/APPLICATION.png             first page; further pages APPLICATION.page-2.png …
 *   DIRECTORY/APPLICATION.zpl             all pages, for a Zebra printer
 *   DIRECTORY/APPLICATION.copy-1.png …    reprints
 *   DIRECTORY/.jobs/ID                    which job wrote what: first line the SHA-256, second the name
 *
 * Each file is written whole under another name, synced, and renamed; the job's record comes last. If power fails before that, the
 * job is submitted again and writes the same bytes under the same names. So its outcome is never unknown.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/base/keep.h"
#include "hostd/base/keep.h"
#include "hostd/base/log.h"
#include "hostd/base/seam.h"
#include "hostd/label/png.h"
#include "hostd/label/printer_driver.h"
#include "hostd/label/raster.h"
#include "hostd/label/render.h"
#include "hostd/label/zpl.h"
#include "schemas/errors.h"

enum { NAME_BYTES = 128, RECORD_BYTES = 256, HEX_BYTES = 64 };

struct file_printer {
	int  directory, jobs; /* descriptors */
	char path[256];
};

/* --- opening */

static int
open_directory(int at, const char *path)
{
	if (keep_directory(at, path, 0750) != 0)
		return -1;
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
file_close(void *state)
{
	struct file_printer *printer = state;

	if (printer->jobs >= 0)
		close(printer->jobs);
	if (printer->directory >= 0)
		close(printer->directory);
	free(printer);
}

/* 0, or MINT_PRINTER with errno. */
static int
open_places(struct file_printer *printer)
{
	if (printer->directory < 0)
		printer->directory = open_directory(AT_FDCWD, printer->path);
	if (printer->directory >= 0 && printer->jobs < 0)
		printer->jobs = open_directory(printer->directory, ".jobs");
	return printer->jobs >= 0 ? 0 : MINT_PRINTER;
}

/* A disk that is full now has room later: each job tries again. */
static int
file_open(const char *path, void **state)
{
	struct file_printer *printer = malloc(sizeof *printer);

	if (!printer)
		return MINT_MEMORY;
	*printer = (struct file_printer){ .directory = -1, .jobs = -1 };
	errno = ENAMETOOLONG;
	if (strlen(path) < sizeof printer->path) {
		strcpy(printer->path, path);
		if (open_places(printer) == 0)
			errno = 0;
	}
	if (errno == ENOSPC || errno == EDQUOT) {
		log_error("%s: %s: make room: labels wait until then", path, strerror(errno));
	} else if (errno != 0) {
		log_error("%s: %s: name a directory in which this user may write", path, strerror(errno));
		file_close(printer);
		return MINT_PRINTER;
	}
	*state = printer;
	return 0;
}

/* --- writing */

static int
write_synced(int directory, const char *name, const void *data, size_t length)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	int result, saved;

	if (fd < 0)
		return -1;
	result = keep_write(fd, data, length) == 0 ? fsync(fd) : -1;
	if (result == 0)
		seam(SEAM_WRITTEN);
	saved = errno;
	if (close(fd) == 0 || result < 0)
		errno = saved;
	else
		result = -1;
	return result;
}

/* Whole or not at all; the name lasts once the directory is synced, which the caller does. */
static int
put_file(int directory, const char *name, const void *data, size_t length)
{
	char temporary[NAME_BYTES + 8];
	int saved;

	snprintf(temporary, sizeof temporary, ".%s.new", name);
	if (write_synced(directory, temporary, data, length) == 0 && renameat(directory, temporary, directory, name) == 0) {
		seam(SEAM_RENAMED);
		return 0;
	}
	saved = errno;
	unlinkat(directory, temporary, 0);
	errno = saved;
	return MINT_PRINTER;
}

/* APPLICATION[.copy-N][.page-N] */
static void
page_name(const struct print_job *job, size_t page, const char *ending, char name[NAME_BYTES])
{
	int used = snprintf(name, NAME_BYTES, "%s", job->application);

	if (job->copy > 0)
		used += snprintf(name + used, (size_t)(NAME_BYTES - used), ".copy-%u", job->copy);
	if (page > 0)
		used += snprintf(name + used, (size_t)(NAME_BYTES - used), ".page-%zu", page + 1);
	snprintf(name + used, (size_t)(NAME_BYTES - used), "%s", ending);
}

static int
put_pngs(const struct file_printer *printer, const struct print_job *job, uint8_t sha256[32])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	int result = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) ? 0 : MINT_CRYPTO;
	char name[NAME_BYTES];

	for (size_t i = 0; i < job->pages->count && result == 0; i++) {
		uint8_t *png = NULL;
		size_t length;
		page_name(job, i, ".png", name);
		result = png_make(job->pages->page[i], &png, &length);
		if (result == 0)
			result = put_file(printer->directory, name, png, length);
		if (result == 0 && !EVP_DigestUpdate(digest, png, length))
			result = MINT_CRYPTO;
		free(png);
	}
	if (result == 0 && !EVP_DigestFinal_ex(digest, sha256, NULL))
		result = MINT_CRYPTO;
	EVP_MD_CTX_free(digest);
	return result;
}

static int
put_zpl(const struct file_printer *printer, const struct print_job *job)
{
	char name[NAME_BYTES], *all = NULL;
	size_t used = 0;
	int result = 0;

	for (size_t i = 0; i < job->pages->count && result == 0; i++) {
		char *zpl, *longer;
		size_t length;
		result = zpl_make(job->pages->page[i], &zpl, &length);
		if (result < 0)
			break;
		longer = realloc(all, used + length);
		if (longer) {
			all = longer;
			memcpy(all + used, zpl, length);
			used += length;
		} else {
			result = MINT_MEMORY;
		}
		free(zpl);
	}
	page_name(job, 0, ".zpl", name);
	if (result == 0)
		result = put_file(printer->directory, name, all, used);
	free(all);
	return result;
}

/* --- the record of a job */

static void
record_make(const struct print_job *job, const uint8_t sha256[32], char record[RECORD_BYTES])
{
	char name[NAME_BYTES];

	for (int i = 0; i < 32; i++)
		snprintf(record + 2 * i, 3, "%02x", sha256[i]);
	page_name(job, 0, ".png", name);
	snprintf(record + HEX_BYTES, RECORD_BYTES - HEX_BYTES, "\n%s\n", name);
}

static int
record_put(const struct file_printer *printer, const struct print_job *job, const uint8_t sha256[32])
{
	char id[24], record[RECORD_BYTES];

	snprintf(id, sizeof id, "%" PRIu64, job->id);
	record_make(job, sha256, record);
	return put_file(printer->jobs, id, record, strlen(record));
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0 when the job was printed before: sha256 is what was written then. MINT_NOT_FOUND; MINT_DIFFERENT when the id names other paper. */
static int
record_get(const struct file_printer *printer, const struct print_job *job, uint8_t sha256[32])
{
	char id[24], record[RECORD_BYTES] = "", expected[RECORD_BYTES];
	ssize_t length;
	int fd;

	snprintf(id, sizeof id, "%" PRIu64, job->id);
	fd = openat(printer->jobs, id, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? MINT_NOT_FOUND : MINT_PRINTER;
	length = read(fd, record, sizeof record - 1);
	close(fd);
	if (length < HEX_BYTES)
		return MINT_DIFFERENT;
	for (int i = 0; i < 32; i++) {
		int high = hex_value(record[2 * i]), low = hex_value(record[2 * i + 1]);
		if (high < 0 || low < 0)
			return MINT_DIFFERENT;
		sha256[i] = (uint8_t)(high << 4 | low);
	}
	record_make(job, sha256, expected);
	return strcmp(record, expected) == 0 ? 0 : MINT_DIFFERENT;
}

/* --- a job */

static int
print(const struct file_printer *printer, const struct print_job *job, uint8_t sha256[32])
{
	int result = put_pngs(printer, job, sha256);

	if (result == 0)
		result = put_zpl(printer, job);
	if (result == 0 && fsync(printer->directory) < 0)
		result = MINT_PRINTER;
	if (result == 0)
		result = record_put(printer, job, sha256);
	if (result == 0 && fsync(printer->jobs) < 0)
		result = MINT_PRINTER;
	return result;
}

static void
file_submit(void *state, const struct print_job *job, print_done *done, void *argument)
{
	struct file_printer *printer = state;
	struct print_result result = { .outcome = PRINT_DONE };
	char name[NAME_BYTES];

	result.error = open_places(printer);
	if (result.error == 0)
		result.error = record_get(printer, job, result.sha256);
	if (result.error == MINT_NOT_FOUND)
		result.error = print(printer, job, result.sha256);
	page_name(job, 0, ".png", name);
	if (result.error < 0) {
		result.outcome = PRINT_FAILED;
		snprintf(result.detail, sizeof result.detail, "%s/%s: %s", printer->path, name,
		    result.error == MINT_DIFFERENT ? "this job printed another label before" :
		    result.error == MINT_PRINTER ? strerror(errno) : error_info(result.error)->what[MINT_EN]);
		log_error("print job %" PRIu64 ": %s: see that the directory can be written", job->id, result.detail);
	} else {
		snprintf(result.place, sizeof result.place, "%s/%s", printer->path, name);
	}
	done(job->id, &result, argument);
}

const struct printer_driver printer_file = { "file", file_open, file_submit, file_close };

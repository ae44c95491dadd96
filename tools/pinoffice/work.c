#include "tools/pinoffice/work.h"
#include "hostd/base/keep.h"
#include "schemas/errors.h"
#include "tools/pinoffice/cover.h"
#include "tools/pinoffice/letter.h"
#include "tools/pinoffice/opener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct work {
	const struct office_key *key;
	struct book   *book;
	struct faults *faults;
	struct cover  *cover;                 /* of the directory last looked into, NULL without a list */
	char           directory[PATH_BYTES]; /* "" before the first */
};

struct work *
work_new(const struct office_key *key, struct book *book, struct faults *faults)
{
	struct work *work = calloc(1, sizeof *work);

	if (work)
		*work = (struct work){ .key = key, .book = book, .faults = faults };
	return work;
}

void
work_free(struct work **work)
{
	if (*work)
		cover_close(&(*work)->cover);
	free(*work);
	*work = NULL;
}

/* --- files */

/* The bytes of a file that is not larger than `most`; the length, −1 with errno. */
static ssize_t
read_file(const char *path, uint8_t *bytes, size_t most)
{
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(bytes, 1, most + 1, file) : 0;
	int failed = !file || ferror(file);

	if (file)
		fclose(file);
	if (!failed && length > most) {
		errno = EFBIG;
		failed = 1;
	}
	return failed ? -1 : (ssize_t)length;
}

static const char *
file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What the list says of the file must be so inside: a letter is sent to whom the list names. */
static enum fault
add_content(struct work *work, const char *path, const struct content *content)
{
	struct cover_line line;
	int r;

	if (cover_find(work->cover, file_of(path), &line) &&
	    (strcmp(line.serial, content->serial) != 0 || strcmp(line.label, content->label) != 0))
		return FAULT_other_token;
	r = book_add(work->book, content, cover_number(file_of(path)), line.application, line.credential);
	return r == 0 ? FAULT_none : r > 0 ? FAULT_order : FAULT_memory;
}

static void
open_file(struct work *work, const char *path)
{
	static uint8_t der[OPENER_FILE_MAX + 1];
	ssize_t length = read_file(path, der, OPENER_FILE_MAX);
	char detail[FAULT_DETAIL_BYTES] = "";
	struct content content;
	enum fault fault;

	if (length < 0) {
		fault_tell(work->faults, errno == EFBIG ? FAULT_no_envelope : FAULT_unreadable, path, strerror(errno));
		return;
	}
	fault = opener_open(work->key, der, (size_t)length, &content, detail);
	if (fault == FAULT_none)
		fault = add_content(work, path, &content);
	if (fault != FAULT_none)
		fault_tell(work->faults, fault, path, detail);
	content_wipe(&content);
}

/* --- the list beside the files */

static void
expect_line(const struct cover_line *line, void *argument)
{
	struct work *work = argument;

	if (line->user)
		book_expect(work->book, line->model, line->serial, line->label, SEAT_user, line->number);
	if (line->so)
		book_expect(work->book, line->model, line->serial, line->label, SEAT_so, line->number);
}

/* The list of another directory takes the place of the one before, which by then has said what it expects. */
static void
look_into(struct work *work, const char *directory)
{
	char path[PATH_BYTES + 32];

	if (strcmp(work->directory, directory) == 0)
		return;
	cover_each(work->cover, expect_line, work);
	cover_close(&work->cover);
	snprintf(work->directory, sizeof work->directory, "%s", directory);
	if (cover_open(directory, &work->cover) == 0)
		return;
	snprintf(path, sizeof path, "%s/manifest.jsonl", directory);
	fault_tell(work->faults, FAULT_list, path, NULL);
}

static void
tell_missing(const struct page *page, void *argument)
{
	struct work *work = argument;
	char object[2 * CONTENT_NAME_BYTES + 8];

	snprintf(object, sizeof object, "%s %s", page->content.label, page->content.serial);
	fault_tell(work->faults, FAULT_later_missing, object, NULL);
}

void
work_check(struct work *work)
{
	cover_each(work->cover, expect_line, work);
	book_check(work->book, tell_missing, work);
}

/* --- directories */

static int
is_envelope_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + length - 4, ".p7m") == 0;
}

static void
open_directory(struct work *work, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_envelope_name, alphasort);

	if (count <= 0)
		fault_tell(work->faults, count < 0 ? FAULT_unreadable : FAULT_empty, path, count < 0 ? strerror(errno) : NULL);
	else
		look_into(work, path);
	for (int i = 0; i < count; i++) {
		char file[PATH_BYTES];

		snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
		open_file(work, file);
		free(entries[i]);
	}
	free(entries);
}

void
work_open(struct work *work, const char *path)
{
	struct stat status;
	char copy[PATH_BYTES];

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		open_directory(work, path);
		return;
	}
	snprintf(copy, sizeof copy, "%s", path);
	look_into(work, dirname(copy));
	open_file(work, path);
}

/* --- letters */

struct letters {
	const char    *path, *template_text;
	int            directory;
	struct faults *faults;
};

/* What is inside an envelope becomes a file name: whoever has the certificate can make one, so anything but letters and digits is replaced. */
static void
name_letter(const struct page *page, char *name, size_t name_bytes)
{
	snprintf(name, name_bytes, "%s-%s", page->content.label, page->content.serial);
	for (char *at = name; *at; at++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-", *at))
			*at = '_';
	snprintf(name + strlen(name), name_bytes - strlen(name), ".txt");
}

static void
write_letter(const struct page *page, void *argument)
{
	struct letters *letters = argument;
	char text[LETTER_BYTES_MAX], name[2 * CONTENT_NAME_BYTES + 8], object[PATH_BYTES];
	size_t length;
	int r;

	name_letter(page, name, sizeof name);
	snprintf(object, sizeof object, "%s/%s", letters->path, name);
	if (page->unclear[SEAT_user])
		return; /* told already */
	if (!content_has(&page->content, SEAT_user)) {
		fault_tell(letters->faults, FAULT_no_user_pin, object, NULL);
		return;
	}
	length = letter_write(letters->template_text, page, text);
	r = length > 0 ? keep_file(letters->directory, name, text, length) : MINT_STORAGE;
	OPENSSL_cleanse(text, sizeof text);
	if (r < 0)
		fault_tell(letters->faults, r == MINT_EXISTS ? FAULT_letter_other : FAULT_unwritable, object, length > 0 ? NULL : "too long");
}

/* 0 and the text, which is static; −1 when it told why not. */
static int
read_template(const char *path, struct letters *letters)
{
	static char text[LETTER_TEMPLATE_MAX + 2];
	ssize_t length;

	letters->template_text = letter_template;
	if (!path)
		return 0;
	length = read_file(path, (uint8_t *)text, LETTER_TEMPLATE_MAX);
	if (length < 0 && errno != EFBIG) {
		fault_tell(letters->faults, FAULT_unreadable, path, strerror(errno));
		return -1;
	}
	text[length > 0 ? length : 0] = '\0';
	letters->template_text = text;
	if (length > 0 && strlen(text) == (size_t)length && letter_check(text) == 0)
		return 0;
	fault_tell(letters->faults, FAULT_template, path, NULL);
	return -1;
}

void
work_letters(const struct book *book, const char *directory, const char *template_path, struct faults *faults)
{
	struct letters letters = { .path = directory, .directory = -1, .faults = faults };

	if (read_template(template_path, &letters) != 0)
		return;
	if (mkdir(directory, 0700) == 0 || errno == EEXIST)
		letters.directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (letters.directory < 0) {
		fault_tell(faults, FAULT_unwritable, directory, strerror(errno));
		return;
	}
	book_each(book, write_letter, &letters);
	if (keep_sync(letters.directory) != 0)
		fault_tell(faults, FAULT_unwritable, directory, strerror(errno));
	close(letters.directory);
}

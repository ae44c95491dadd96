/* Configuration files: opened with care, looked through by conf_scan.c, parsed by libconfuse, and where each thing stood. */
#include "hostd/base/conf_file.h"
#include "hostd/base/conf_scan.h"
#include "hostd/base/text.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct conf_file {
	char               *name;    /* NULL: none */
	char               *text;
	size_t              length;
	struct conf_entries entries;
	struct conf_fault   fault;
	cfg_t              *root;    /* what conf_file_parse has filled */
};

/* libconfuse hands its error function no argument of ours. */
static __thread struct conf_file *parsing;

static void keep_fault(struct conf_fault *, int, unsigned, bool, const char *, va_list) __attribute__((format(printf, 5, 0)));

static void
keep_fault(struct conf_fault *fault, int error, unsigned line, bool whole, const char *format, va_list arguments)
{
	char text[1024];

	if (fault->error != 0)
		return; /* the first is the cause, those behind it follow from it */
	vsnprintf(text, sizeof text, format, arguments);
	text_copy(fault->text, sizeof fault->text, text, strlen(text));
	fault->error = error;
	fault->line = line;
	fault->whole = whole;
}

int
conf_fault_set(struct conf_fault *fault, int error, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	keep_fault(fault, error, line, true, format, arguments);
	va_end(arguments);
	return fault->error;
}

int
conf_fault_misplaced(struct conf_fault *fault, unsigned line)
{
	return conf_fault_set(fault, MINT_CONFIG, line,
	    "a name, a value or a brace is not where one is expected: write `name = value` or `name { … }`");
}

struct conf_file *
conf_file_new(const char *name)
{
	struct conf_file *file = calloc(1, sizeof *file);

	if (file && name && !(file->name = strdup(name)))
		conf_file_free(&file);
	return file;
}

void
conf_file_free(struct conf_file **place)
{
	struct conf_file *file = *place;

	*place = NULL;
	if (!file)
		return;
	free(file->entries.list);
	free(file->text);
	free(file->name);
	free(file);
}

/* --- reading */

/* The text is file->text, `length` bytes and room for one more, unless they are too many. */
static int
look_through(struct conf_file *file, size_t length)
{
	if (length > CONF_FILE_BYTES_MAX)
		return conf_fault_set(&file->fault, MINT_CONFIG, 0, "is longer than %d bytes (%d KiB): split it, or take out what does not belong",
		    CONF_FILE_BYTES_MAX, CONF_FILE_BYTES_MAX / 1024);
	file->text[length] = '\0';
	file->length = length;
	return conf_scan(file->text, length, &file->entries, &file->fault);
}

static int
make_room(struct conf_file *file, size_t length)
{
	file->text = malloc(length + 1);
	return file->text ? 0 : conf_fault_set(&file->fault, MINT_MEMORY, 0, "out of memory: close other programs");
}

int
conf_file_take(struct conf_file *file, const char *text, size_t length)
{
	size_t kept = length > CONF_FILE_BYTES_MAX ? CONF_FILE_BYTES_MAX : length;

	if (make_room(file, kept) != 0)
		return file->fault.error;
	memcpy(file->text, text, kept);
	return look_through(file, length);
}

static int
read_whole(struct conf_file *file, int descriptor)
{
	size_t length = 0;
	struct stat status;
	ssize_t got;

	if (fstat(descriptor, &status) != 0)
		return conf_fault_set(&file->fault, MINT_SYSTEM, 0, "%s: check the disk", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return conf_fault_set(&file->fault, MINT_CONFIG, 0, "is no regular file: name a file with text in it");
	if (make_room(file, CONF_FILE_BYTES_MAX) != 0)
		return file->fault.error;
	do {
		got = read(descriptor, file->text + length, CONF_FILE_BYTES_MAX + 1 - length);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return conf_fault_set(&file->fault, MINT_SYSTEM, 0, "cannot be read: %s: check the disk", strerror(errno));
	return look_through(file, length);
}

int
conf_file_load(struct conf_file *file)
{
	/* A named pipe would keep us waiting for its writer. */
	int descriptor = open(file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (descriptor < 0)
		return conf_fault_set(&file->fault, MINT_NOT_FOUND, 0, "%s: check name and permissions", strerror(errno));
	r = read_whole(file, descriptor);
	close(descriptor);
	return r;
}

/* --- parsing */

static void keep_complaint(cfg_t *, const char *, va_list) __attribute__((format(printf, 2, 0)));

static void
keep_complaint(cfg_t *cfg, const char *format, va_list arguments)
{
	if (parsing)
		keep_fault(&parsing->fault, MINT_CONFIG, (unsigned)cfg->line, false, format, arguments);
}

/* libconfuse keeps the sections of one name in the order of the file, as the list does. */
static void
find_sections(struct conf_file *file, cfg_t *cfg)
{
	struct conf_entry *list = file->entries.list;

	for (int i = 0; i < file->entries.count; i++) {
		cfg_t *parent = list[i].parent < 0 ? cfg : list[list[i].parent].parsed;
		unsigned before = 0;

		for (int k = 0; k < i && list[i].section; k++)
			before += list[k].parent == list[i].parent && strcmp(list[k].name, list[i].name) == 0;
		if (list[i].section && parent && before < cfg_size(parent, list[i].name))
			list[i].parsed = cfg_getnsec(parent, list[i].name, before);
	}
}

int
conf_file_parse(struct conf_file *file, cfg_t *cfg)
{
	FILE *stream = fmemopen(file->text, file->length, "r");
	int r;

	free(cfg->filename);
	cfg->filename = strdup(file->name ? file->name : "text");
	if (!stream || !cfg->filename) {
		if (stream)
			fclose(stream);
		return conf_fault_set(&file->fault, MINT_MEMORY, 0, "out of memory: close other programs");
	}
	cfg_set_error_function(cfg, keep_complaint);
	parsing = file;
	r = cfg_parse_fp(cfg, stream);
	parsing = NULL;
	fclose(stream);
	if (r != CFG_SUCCESS && file->fault.error == 0) /* it gives up on some misplaced words without saying so */
		return conf_fault_misplaced(&file->fault, (unsigned)cfg->line);
	if (r != CFG_SUCCESS)
		return file->fault.error;
	file->root = cfg;
	find_sections(file, cfg);
	return 0;
}

/* --- where, and why */

unsigned
conf_file_line(const struct conf_file *file, const cfg_t *section, const char *key)
{
	const struct conf_entry *list = file->entries.list;
	unsigned line = 0;

	for (int i = 0; i < file->entries.count; i++) {
		const cfg_t *parent = list[i].parent < 0 ? file->root : list[list[i].parent].parsed;

		if (list[i].section && list[i].parsed == section)
			line = list[i].line;
		if (key && parent == section && strcmp(list[i].name, key) == 0)
			return list[i].line;
	}
	return line;
}

int
conf_file_refuse(struct conf_file *file, const cfg_t *section, const char *key, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	keep_fault(&file->fault, MINT_CONFIG, conf_file_line(file, section, key), true, format, arguments);
	va_end(arguments);
	return MINT_CONFIG;
}

void
conf_file_why(const struct conf_file *file, const char *remedy, char *text, size_t size)
{
	const struct conf_fault *fault = &file->fault;
	bool add = remedy && !fault->whole;
	char place[32] = "";

	text[0] = '\0';
	if (fault->error == 0)
		return;
	if (fault->line)
		snprintf(place, sizeof place, file->name ? ":%u" : "line %u", fault->line);
	snprintf(text, size, "%s%s%s%s%s%s", file->name ? file->name : "", place, file->name || place[0] ? ": " : "", fault->text,
	    add ? ": " : "", add ? remedy : "");
}

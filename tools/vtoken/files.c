#include "tools/vtoken/files.h"

#include "schemas/errors.h"

#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

struct files {
	struct file *first, *last; /* the master file is the first; a DF stands before what is in it */
	size_t count, bytes, limit;
};

/* Key parts are whole bytes: P-521 has 66 in a coordinate. */
static size_t
cost_of(const struct file *file)
{
	switch (file->type) {
	case FILE_PLAIN:
		return file->size;
	case FILE_RSA:
		return file->size / 8u * 7 / 2;
	case FILE_EC:
		return (file->size + 7u) / 8 * 3;
	case FILE_SECRET:
		return (file->size + 7u) / 8;
	default:
		return 0;
	}
}

static void
file_free(struct file *file)
{
	key_free(&file->key);
	OPENSSL_clear_free(file->data, file->size);
	free(file);
}

static void
append(struct files *files, struct file *file)
{
	if (files->last)
		files->last->next = file;
	else
		files->first = file;
	files->last = file;
	files->count++;
	files->bytes += cost_of(file);
}

struct files *
files_new(void)
{
	struct files *files = calloc(1, sizeof *files);
	struct file *master = calloc(1, sizeof *master);

	if (!files || !master) {
		free(files);
		free(master);
		return NULL;
	}
	master->fid = FID_MASTER;
	master->type = FILE_DF;
	files->limit = FILES_BYTES_MAX;
	append(files, master);
	return files;
}

void
files_free(struct files **files)
{
	struct file *next;

	if (!*files)
		return;
	for (struct file *file = (*files)->first; file; file = next) {
		next = file->next;
		file_free(file);
	}
	free(*files);
	*files = NULL;
}

struct file *
files_master(const struct files *files)
{
	return files->first;
}

struct file *
files_next(const struct files *files, const struct file *parent, const struct file *after)
{
	struct file *file = after ? after->next : files->first;

	while (file && file->parent != parent)
		file = file->next;
	return file;
}

struct file *
files_any(const struct files *files, const struct file *after)
{
	return after ? after->next : files->first;
}

void
files_limit(struct files *files, size_t bytes)
{
	files->limit = bytes;
}

size_t
files_bytes(const struct files *files)
{
	return files->bytes;
}

struct file *
files_find(const struct files *files, const struct file *parent, uint16_t fid)
{
	struct file *file = NULL;

	while ((file = files_next(files, parent, file)))
		if (file->fid == fid)
			return file;
	return NULL;
}

struct file *
files_find_aid(const struct files *files, const uint8_t *aid, size_t len)
{
	for (struct file *file = files->first; file; file = file->next)
		if (file->aid_len && file->aid_len == len && memcmp(file->aid, aid, len) == 0)
			return file;
	return NULL;
}

static bool
size_fits(const struct file *wanted)
{
	switch (wanted->type) {
	case FILE_PLAIN:
		return wanted->size > 0 && wanted->size <= FILE_SIZE_MAX;
	case FILE_RSA:
		return key_size_known(KEY_RSA, wanted->size);
	case FILE_EC:
		return key_size_known(KEY_EC, wanted->size);
	case FILE_SECRET:
		return wanted->size > 0 && wanted->size <= SECRET_BITS_MAX;
	case FILE_DF:
		return true;
	default:
		return false;
	}
}

/* Checks everything but the access rules. */
static int
check_new(const struct files *files, const struct file *parent, const struct file *wanted)
{
	if (!size_fits(wanted) || wanted->fid == FID_MASTER || wanted->aid_len > AID_MAX)
		return MINT_ARGUMENT;
	if (files_find(files, parent, wanted->fid) ||
	    (wanted->aid_len && files_find_aid(files, wanted->aid, wanted->aid_len)))
		return MINT_EXISTS;
	if (files->count >= FILES_MAX || files->bytes + cost_of(wanted) > files->limit)
		return MINT_TOKEN_FULL;
	return 0;
}

int
files_create(struct files *files, struct file *parent, const struct file *wanted, struct file **created)
{
	struct file *file;
	int error = check_new(files, parent, wanted);

	if (error)
		return error;
	file = malloc(sizeof *file);
	if (!file)
		return MINT_MEMORY;
	*file = *wanted;
	file->parent = parent;
	file->data = NULL;
	file->key = NULL;
	file->next = NULL;
	if (file->type == FILE_DF)
		file->size = 0;
	if (file->type == FILE_PLAIN) {
		file->data = malloc(file->size);
		if (!file->data) {
			free(file);
			return MINT_MEMORY;
		}
		memset(file->data, 0xFF, file->size); /* as the recorded card fills them */
	}
	append(files, file);
	*created = file;
	return 0;
}

static bool
is_within(const struct file *file, const struct file *top)
{
	while (file && file != top)
		file = file->parent;
	return file == top;
}

/* Marks first, because a child is recognised by its parent, which must then still be there. */
void
files_remove(struct files *files, struct file *file)
{
	struct file **link = &files->first, *doomed = NULL, *kept = NULL, *at;

	while ((at = *link)) {
		if (is_within(at, file)) {
			*link = at->next;
			files->count--;
			files->bytes -= cost_of(at);
			at->next = doomed;
			doomed = at;
		} else {
			kept = at;
			link = &at->next;
		}
	}
	files->last = kept;
	for (; doomed; doomed = at) {
		at = doomed->next;
		file_free(doomed);
	}
}

uint8_t
file_condition(const struct file *file, enum file_right right)
{
	uint8_t byte = file->access[right / 2];

	return right % 2 ? byte & 0x0F : byte >> 4;
}

bool
file_is_key(const struct file *file)
{
	return file->type == FILE_RSA || file->type == FILE_EC;
}

/* A file knows its parent by its place in the order of creation. */
static uint16_t
place_of(const struct files *files, const struct file *wanted)
{
	uint16_t place = 0;

	for (const struct file *file = files->first; file != wanted; file = file->next)
		place++;
	return place;
}

static struct file *
at_place(const struct files *files, uint16_t place)
{
	struct file *file = files->first;

	while (file && place--)
		file = file->next;
	return file;
}

static int
put_content(const struct file *file, struct wire_out *out)
{
	const uint8_t *der = NULL;
	size_t len = 0;
	int error;

	if (file->type == FILE_PLAIN)
		wire_put_bytes(out, file->data, file->size);
	if (!file_is_key(file))
		return 0;
	if (file->key) {
		error = key_to_der(file->key, &der, &len);
		if (error)
			return error;
	}
	wire_put_u16(out, (uint16_t)len);
	wire_put_bytes(out, der, len);
	return 0;
}

static int
get_content(struct file *file, struct wire_in *in)
{
	const uint8_t *der;
	size_t len;

	if (file->type == FILE_PLAIN)
		wire_get_bytes(in, file->data, file->size);
	if (!file_is_key(file))
		return in->failed ? MINT_SYNTAX : 0;
	len = wire_get_u16(in);
	if (len == 0)
		return in->failed ? MINT_SYNTAX : 0;
	der = wire_take(in, len);
	if (!der)
		return MINT_SYNTAX;
	return key_from_stored(&file->key, file->type == FILE_RSA ? KEY_RSA : KEY_EC, file->size, der, len);
}

static void
put_head(const struct files *files, const struct file *file, struct wire_out *out)
{
	wire_put_u16(out, file->parent ? place_of(files, file->parent) : 0);
	wire_put_u16(out, file->fid);
	wire_put_u8(out, file->type);
	wire_put_u16(out, file->size);
	wire_put_bytes(out, file->access, sizeof file->access);
	wire_put_bytes(out, file->property, sizeof file->property);
	wire_put_u8(out, file->aid_len);
	wire_put_bytes(out, file->aid, file->aid_len);
}

/* Reads into *head; *parent is the place of its DF. */
static int
get_head(struct file *head, uint16_t *parent, struct wire_in *in)
{
	*head = (struct file){ 0 };
	*parent = wire_get_u16(in);
	head->fid = wire_get_u16(in);
	head->type = wire_get_u8(in);
	head->size = wire_get_u16(in);
	wire_get_bytes(in, head->access, sizeof head->access);
	wire_get_bytes(in, head->property, sizeof head->property);
	head->aid_len = wire_get_u8(in);
	if (in->failed || head->aid_len > AID_MAX)
		return MINT_SYNTAX;
	wire_get_bytes(in, head->aid, head->aid_len);
	return in->failed ? MINT_SYNTAX : 0;
}

int
files_put(const struct files *files, struct wire_out *out)
{
	int error = 0;

	wire_put_u16(out, (uint16_t)files->count);
	for (const struct file *file = files->first; file && !error; file = file->next) {
		put_head(files, file, out);
		error = put_content(file, out);
	}
	return error;
}

/* The master file is there already: only its attributes are taken. */
static int
get_file(struct files *files, int is_master, struct wire_in *in)
{
	struct file head, *parent, *created, *master = files->first;
	uint16_t place;

	if (get_head(&head, &place, in))
		return MINT_SYNTAX;
	if (is_master) {
		if (head.fid != FID_MASTER || head.type != FILE_DF)
			return MINT_SYNTAX;
		head.next = master->next;
		*master = head;
		return 0;
	}
	parent = at_place(files, place);
	if (!parent || parent->type != FILE_DF || files_create(files, parent, &head, &created))
		return MINT_SYNTAX;
	return get_content(created, in);
}

int
files_get(struct files **files, struct wire_in *in)
{
	struct files *tree = files_new();
	unsigned count = wire_get_u16(in);
	int error = tree ? 0 : MINT_MEMORY;

	if (tree)
		files_limit(tree, SIZE_MAX); /* it fitted when it was written */
	for (unsigned n = 0; n < count && !error; n++)
		error = get_file(tree, n == 0, in);
	if (!error && (in->failed || count == 0))
		error = MINT_SYNTAX;
	if (error)
		files_free(&tree);
	else
		files_limit(tree, FILES_BYTES_MAX);
	*files = tree;
	return error;
}

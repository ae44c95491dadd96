/* The card's file system: a tree of dedicated files (DF) under the master file, with transparent files and key files
 * in them (ISO/IEC 7816-4:2020, 7). A file is owned by its tree and lives until it or the tree is removed. */
#ifndef MINT_VTOKEN_FILES_H
#define MINT_VTOKEN_FILES_H

#include "tools/vtoken/keys.h"
#include "tools/vtoken/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FID_MASTER      0x3F00
#define FILE_SIZE_MAX   0x7FFF  /* READ BINARY's offset has 15 bits */
#define FILES_MAX       200     /* in one tree */
#define FILES_BYTES_MAX 65536   /* of memory, unless files_limit says otherwise */
#define SECRET_BITS_MAX 4096
#define AID_MAX         16

/* Values of the file descriptor byte, tag 82. A generic secret is only a place: OpenSC makes one, to last for the session,
 * around each secret it derives, and keeps the secret itself. */
enum file_type { FILE_PLAIN = 0x01, FILE_RSA = 0x11, FILE_EC = 0x22, FILE_DF = 0x38, FILE_SECRET = 0x41 };

/* What a condition guards; numbers are nibbles of the two access bytes, tag 86, from the left. */
enum file_right {
	RIGHT_READ = 0, RIGHT_CREATE_DF = 0, RIGHT_USE = 0,
	RIGHT_UPDATE = 1, RIGHT_CREATE_EF = 1,
	RIGHT_DELETE = 2,
	RIGHT_GENERATE = 3,
};
/* A condition: 0 always, 1 … 14 the PIN of that number, 15 never. */
#define CONDITION_ALWAYS 0
#define CONDITION_NEVER  15

struct file {
	uint16_t     fid;
	uint8_t      type;        /* enum file_type */
	uint16_t     size;        /* plain: bytes; key, secret: bits; DF: 0 */
	uint8_t      access[3];   /* tag 86 */
	uint8_t      property[2]; /* tag 85: high nibble of the first byte is the PIN to verify before each use of the key */
	uint8_t      aid[AID_MAX], aid_len;
	struct file *parent;      /* a DF; NULL for the master file */
	uint8_t     *data;        /* plain files: `size` bytes */
	struct key  *key;         /* key files: NULL until there is one */
	struct file *next;        /* in the tree, in order of creation */
};

struct files;

/* An empty tree with only its master file; NULL when out of memory. */
struct files *files_new(void);
void          files_free(struct files **files);

struct file *files_master(const struct files *files);
struct file *files_find(const struct files *files, const struct file *parent, uint16_t fid);
struct file *files_find_aid(const struct files *files, const uint8_t *aid, size_t len);
/* How much memory there is for contents and keys from now on; what is there already stays, even if it is more. A plain
 * file takes its size, an RSA key file three and a half times the modulus (with the parts of the remainder theorem), an
 * EC key file three coordinates. */
void   files_limit(struct files *files, size_t bytes);
size_t files_bytes(const struct files *files);

/* The file after `after` with that parent; NULL starts, NULL ends. */
struct file *files_next(const struct files *files, const struct file *parent, const struct file *after);
/* The file after `after` in the whole tree, the master file first; NULL starts, NULL ends. */
struct file *files_any(const struct files *files, const struct file *after);

/* Copies `wanted` (fid, type, size, access, property, aid) below `parent`; plain files are filled with FF.
 * MINT_EXISTS, MINT_TOKEN_FULL, MINT_ARGUMENT (type, size), MINT_MEMORY. */
int files_create(struct files *files, struct file *parent, const struct file *wanted, struct file **created);

/* Removes a file and all below it; never the master file. Pointers to them are dead afterwards. */
void files_remove(struct files *files, struct file *file);

uint8_t file_condition(const struct file *file, enum file_right right);
bool    file_is_key(const struct file *file);

/* Part of the token's state (store.h). files_get builds a new tree; MINT_SYNTAX when the bytes are not sound. */
int files_put(const struct files *files, struct wire_out *out);
int files_get(struct files **files, struct wire_in *in);

#endif

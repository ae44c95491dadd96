#include "tools/vtoken/token.h"

#include "schemas/errors.h"
#include "tools/vtoken/durable.h"
#include "tools/vtoken/files.h"
#include "tools/vtoken/store.h"

#include <openssl/crypto.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SUFFIX ".token"
#define NAME_NEXT "next"
#define NAME_SLOTS "slots"
#define NAME_LOCK "lock"
#define FIRST_SERIAL 1
#define SLOTS_TEXT_MAX 65536
#define OTHERS_MAX 9999

struct drawer {
	int directory, lock;
	unsigned long long next;
	size_t memory;
};

struct token {
	int directory; /* borrowed from the drawer */
	size_t memory;
	char name[TOKEN_NAME_TEXT];
	struct card *card;
	struct store *store;
	struct wire_out frozen;
};

static void
file_name(const char *name, char file[NAME_MAX])
{
	snprintf(file, NAME_MAX, "%s" SUFFIX, name);
}

static bool
is_there(const struct drawer *drawer, const char *name)
{
	char file[NAME_MAX];

	file_name(name, file);
	return faccessat(drawer->directory, file, F_OK, 0) == 0;
}

/* The last eight bytes count, the first two are zero: 2^64 tokens are enough. */
static void
number_to_serial(unsigned long long number, uint8_t serial[CARD_SERIAL_LEN])
{
	memset(serial, 0, CARD_SERIAL_LEN);
	for (int i = 0; i < 8; i++)
		serial[CARD_SERIAL_LEN - 1 - i] = (uint8_t)(number >> 8 * i);
}

/* The first `len` characters as a serial number: pads with zeroes in front, makes capitals. */
static int
normalise(const char *text, size_t len, char serial[CARD_SERIAL_TEXT])
{
	size_t width = CARD_SERIAL_TEXT - 1;

	if (len == 0 || len > width || strspn(text, "0123456789abcdefABCDEF") < len)
		return MINT_ARGUMENT;
	memset(serial, '0', width - len);
	for (size_t i = 0; i < len; i++)
		serial[width - len + i] = (char)(text[i] >= 'a' ? text[i] - 'a' + 'A' : text[i]);
	serial[width] = '\0';
	return 0;
}

/* A serial number, or one with ".2", ".3" … behind it. */
static int
normalise_name(const char *text, char name[TOKEN_NAME_TEXT])
{
	size_t len = strcspn(text, "."), digits = strspn(text + len + (text[len] != '\0'), "0123456789");

	if (normalise(text, len, name))
		return MINT_ARGUMENT;
	if (text[len] == '\0')
		return 0;
	if (digits == 0 || digits > 4 || text[len + 1 + digits])
		return MINT_ARGUMENT;
	strcat(name, text + len);
	return 0;
}

/* The number must never fall back behind a token that is there, even if the file that keeps it was lost. */
static int
find_next(struct drawer *drawer)
{
	char text[CARD_SERIAL_TEXT + 1] = { 0 };
	int fd, len = durable_read(drawer->directory, NAME_NEXT, text, CARD_SERIAL_TEXT);
	struct dirent *entry;
	unsigned long long number;
	DIR *stream;

	if (len < 0 && len != MINT_NOT_FOUND)
		return len;
	drawer->next = len > 0 ? strtoull(text, NULL, 16) : FIRST_SERIAL;
	fd = openat(drawer->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream)
		return MINT_STORAGE;
	while ((entry = readdir(stream))) {
		if (!strstr(entry->d_name, SUFFIX) || entry->d_name[0] == '.')
			continue;
		number = strtoull(entry->d_name, NULL, 16);
		/* A number that was chosen may be the last there is: what comes after it is looked for from the start. */
		if (number >= drawer->next && number < ULLONG_MAX)
			drawer->next = number + 1;
	}
	closedir(stream);
	return 0;
}

static int
take_lock(struct drawer *drawer)
{
	drawer->lock = openat(drawer->directory, NAME_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (drawer->lock < 0)
		return MINT_STORAGE;
	return flock(drawer->lock, LOCK_EX | LOCK_NB) ? MINT_BUSY : 0;
}

int
drawer_open(struct drawer **drawer, const char *path)
{
	struct drawer *opened = calloc(1, sizeof *opened);
	int error;

	*drawer = NULL;
	if (!opened)
		return MINT_MEMORY;
	opened->lock = -1;
	opened->memory = FILES_BYTES_MAX;
	opened->directory = durable_directory(path);
	error = opened->directory < 0 ? MINT_STORAGE : take_lock(opened);
	if (!error)
		error = find_next(opened);
	if (error)
		drawer_close(&opened);
	*drawer = opened;
	return error;
}

void
drawer_close(struct drawer **drawer)
{
	if (*drawer) {
		if ((*drawer)->directory >= 0)
			close((*drawer)->directory);
		if ((*drawer)->lock >= 0)
			close((*drawer)->lock);
		free(*drawer);
	}
	*drawer = NULL;
}

/* The number is used up on the disk before a token carries it. One that a token was given by hand is passed over. */
static int
next_serial(struct drawer *drawer, uint8_t serial[CARD_SERIAL_LEN])
{
	char text[CARD_SERIAL_TEXT];
	int len, error;

	for (;; drawer->next++) {
		snprintf(text, sizeof text, "%020llX", drawer->next);
		if (!is_there(drawer, text))
			break;
	}
	len = snprintf(text, sizeof text, "%llX\n", drawer->next + 1);
	error = durable_replace(drawer->directory, NAME_NEXT, text, (size_t)len);
	if (!error)
		number_to_serial(drawer->next++, serial);
	return error;
}

/* Opens the state file of that name with its card. */
static int
load(int directory, const char *name, size_t memory, struct store **store, struct card **card)
{
	char file[NAME_MAX];
	uint8_t *state = NULL;
	size_t len = 0;
	int error;

	file_name(name, file);
	error = store_open(store, directory, file, &state, &len);
	if (!error)
		error = card_get(card, state, len);
	OPENSSL_clear_free(state, len);
	if (!error)
		card_limit(*card, memory);
	else
		store_close(store);
	return error;
}

static int
open_token(struct drawer *drawer, const char *name, struct token **token)
{
	struct token *opened = calloc(1, sizeof *opened);
	int error;

	*token = NULL;
	if (!opened)
		return MINT_MEMORY;
	opened->directory = drawer->directory;
	opened->memory = drawer->memory;
	snprintf(opened->name, sizeof opened->name, "%s", name);
	error = load(drawer->directory, name, drawer->memory, &opened->store, &opened->card);
	if (error)
		token_free(&opened);
	*token = opened;
	return error;
}

/* A blank card with this serial number under that name. */
static int
make_token(struct drawer *drawer, const uint8_t serial[CARD_SERIAL_LEN], const char *name, struct token **token)
{
	char file[NAME_MAX];
	struct wire_out state = { 0 };
	struct card *card = card_new(serial);
	int error = card ? card_put(card, &state) : MINT_MEMORY;

	file_name(name, file);
	if (!error)
		error = store_create(drawer->directory, file, state.bytes, state.len);
	card_free(&card);
	wire_clear(&state);
	return error ? error : open_token(drawer, name, token);
}

static void
name_of(const uint8_t serial[CARD_SERIAL_LEN], char name[TOKEN_NAME_TEXT])
{
	for (int i = 0; i < CARD_SERIAL_LEN; i++)
		snprintf(name + 2 * i, 3, "%02X", serial[i]);
}

int
drawer_make(struct drawer *drawer, struct token **token)
{
	uint8_t serial[CARD_SERIAL_LEN];
	char name[TOKEN_NAME_TEXT];
	int error = next_serial(drawer, serial);

	*token = NULL;
	if (error)
		return error;
	name_of(serial, name);
	return make_token(drawer, serial, name, token);
}

int
drawer_make_as(struct drawer *drawer, const char *text, struct token **token)
{
	char name[TOKEN_NAME_TEXT], digits[3] = "";
	uint8_t serial[CARD_SERIAL_LEN];
	int error = normalise(text, strlen(text), name);

	*token = NULL;
	if (error)
		return error;
	for (int i = 0; i < CARD_SERIAL_LEN; i++) {
		memcpy(digits, name + 2 * i, 2);
		serial[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	for (int other = 2; is_there(drawer, name); other++) {
		if (other > OTHERS_MAX)
			return MINT_ARGUMENT;
		snprintf(name + CARD_SERIAL_TEXT - 1, TOKEN_NAME_TEXT - CARD_SERIAL_TEXT + 1, ".%d", other);
	}
	return make_token(drawer, serial, name, token);
}

int
drawer_take(struct drawer *drawer, const char *text, struct token **token)
{
	char name[TOKEN_NAME_TEXT];
	int error = normalise_name(text, name);

	*token = NULL;
	return error ? error : open_token(drawer, name, token);
}

void
drawer_limit(struct drawer *drawer, size_t memory)
{
	drawer->memory = memory;
}

int
drawer_remember(struct drawer *drawer, char (*names)[TOKEN_NAME_TEXT], size_t count)
{
	char *text = malloc(SLOTS_TEXT_MAX);
	size_t used = 0;
	int error;

	if (!text)
		return MINT_MEMORY;
	for (size_t n = 0; n < count && used < SLOTS_TEXT_MAX - 64; n++)
		if (names[n][0])
			used += (size_t)snprintf(text + used, SLOTS_TEXT_MAX - used, "%zu %s\n", n, names[n]);
	error = durable_replace(drawer->directory, NAME_SLOTS, text, used);
	free(text);
	return error;
}

int
drawer_recall(struct drawer *drawer, char (*names)[TOKEN_NAME_TEXT], size_t count)
{
	char *text = calloc(1, SLOTS_TEXT_MAX), *line, *rest, name[64];
	unsigned slot;
	int len;

	memset(names, 0, count * sizeof *names);
	if (!text)
		return MINT_MEMORY;
	len = durable_read(drawer->directory, NAME_SLOTS, text, SLOTS_TEXT_MAX - 1);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, "%u %63s", &slot, name) == 2 && slot < count && normalise_name(name, names[slot]))
			names[slot][0] = '\0';
	free(text);
	return len < 0 && len != MINT_NOT_FOUND ? len : 0;
}

void
token_free(struct token **token)
{
	if (*token) {
		card_free(&(*token)->card);
		store_close(&(*token)->store);
		wire_clear(&(*token)->frozen);
		free(*token);
	}
	*token = NULL;
}

struct card *
token_card(struct token *token)
{
	return token->card;
}

const char *
token_name(const struct token *token)
{
	return token->name;
}

int
token_freeze(struct token *token)
{
	token->frozen.len = 0;
	return card_put(token->card, &token->frozen);
}

int
token_save(struct token *token)
{
	return store_save(token->store, token->frozen.bytes, token->frozen.len);
}

int
token_reload(struct token *token)
{
	struct store *store = NULL;
	struct card *card = NULL;
	int error = load(token->directory, token->name, token->memory, &store, &card);

	if (error)
		return error;
	card_free(&token->card);
	store_close(&token->store);
	token->card = card;
	token->store = store;
	return 0;
}

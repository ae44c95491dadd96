/* Encoding of the messages: one put and one get for each field type; the list does the rest. */
#include "schemas/messages.h"
#include "schemas/errors.h"
#include "schemas/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Where reading or writing stands. `failed` sticks, so that a list of fields needs one check at its end. */
struct cursor {
	uint8_t       *out;
	const uint8_t *in;
	size_t         left;
	uint8_t       *storage; /* next free byte for a decoded text or blob */
	int            failed;
};

/* A NUL inside would end the text early. */
static int
is_text(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0, character; i < length; i += character) {
		character = bytes[i] ? utf8_character((const char *)bytes + i, length - i) : 0;
		if (character == 0)
			return 0;
	}
	return 1;
}

static void
put_integer(struct cursor *c, uint64_t value, size_t width)
{
	if (c->failed || c->left < width) {
		c->failed = 1;
		return;
	}
	for (size_t i = 0; i < width; i++)
		*c->out++ = (uint8_t)(value >> (8 * i));
	c->left -= width;
}

static uint64_t
get_integer(struct cursor *c, size_t width)
{
	uint64_t value = 0;

	if (c->failed || c->left < width) {
		c->failed = 1;
		return 0;
	}
	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)*c->in++ << (8 * i);
	c->left -= width;
	return value;
}

static void
put_bytes(struct cursor *c, const void *data, size_t length, size_t limit)
{
	if (length > limit)
		c->failed = 1;
	put_integer(c, length, 4);
	if (c->failed || c->left < length) {
		c->failed = 1;
		return;
	}
	if (length)
		memcpy(c->out, data, length);
	c->out += length;
	c->left -= length;
}

/* Copies into the message's own storage, with a NUL behind, which a text needs and a blob does not mind. */
static const uint8_t *
get_bytes(struct cursor *c, uint32_t *length, size_t limit)
{
	uint8_t *copy = c->storage;

	*length = (uint32_t)get_integer(c, 4);
	if (c->failed || *length > limit || *length > c->left) {
		c->failed = 1;
		*length = 0;
		return NULL;
	}
	memcpy(copy, c->in, *length);
	copy[*length] = '\0';
	c->in += *length;
	c->left -= *length;
	c->storage += *length + 1;
	return copy;
}

static void put_u8(struct cursor *c, const uint8_t *v, size_t limit) { (void)limit; put_integer(c, *v, 1); }
static void put_u32(struct cursor *c, const uint32_t *v, size_t limit) { (void)limit; put_integer(c, *v, 4); }
static void put_u64(struct cursor *c, const uint64_t *v, size_t limit) { (void)limit; put_integer(c, *v, 8); }
static void put_i64(struct cursor *c, const int64_t *v, size_t limit) { (void)limit; put_integer(c, (uint64_t)*v, 8); }
static void put_blob(struct cursor *c, const struct blob *v, size_t limit) { put_bytes(c, v->data, v->length, limit); }

static void
put_text(struct cursor *c, const char *const *v, size_t limit)
{
	const char *text = *v ? *v : "";

	if (!is_text((const uint8_t *)text, strlen(text)))
		c->failed = 1;
	put_bytes(c, text, strlen(text), limit);
}

static void get_u8(struct cursor *c, uint8_t *v, size_t limit) { (void)limit; *v = (uint8_t)get_integer(c, 1); }
static void get_u32(struct cursor *c, uint32_t *v, size_t limit) { (void)limit; *v = (uint32_t)get_integer(c, 4); }
static void get_u64(struct cursor *c, uint64_t *v, size_t limit) { (void)limit; *v = get_integer(c, 8); }
static void get_i64(struct cursor *c, int64_t *v, size_t limit) { (void)limit; *v = (int64_t)get_integer(c, 8); }
static void get_blob(struct cursor *c, struct blob *v, size_t limit) { v->data = get_bytes(c, &v->length, limit); }

static void
get_text(struct cursor *c, const char **v, size_t limit)
{
	uint32_t length;
	const uint8_t *bytes = get_bytes(c, &length, limit);

	if (bytes && !is_text(bytes, length))
		c->failed = 1;
	*v = (const char *)bytes;
}

#define FIELD(type, name, limit) put_##type(c, &m->name, limit);
#define MESSAGE(name, number, fields) \
	static void put_message_##name(struct cursor *c, const struct message_##name *m) { fields }
#include "schemas/messages.def"
#undef MESSAGE
#undef FIELD

#define FIELD(type, name, limit) get_##type(c, &m->name, limit);
#define MESSAGE(name, number, fields) \
	static void get_message_##name(struct cursor *c, struct message_##name *m) { fields }
#include "schemas/messages.def"
#undef MESSAGE
#undef FIELD

int
message_put(const struct message *message, uint8_t *out, size_t out_bytes)
{
	struct cursor c = { .out = out, .left = out_bytes };

	put_integer(&c, message->type, 2);
	switch (message->type) {
#define MESSAGE(name, number, fields) case MESSAGE_##name: put_message_##name(&c, &message->name); break;
#include "schemas/messages.def"
#undef MESSAGE
	default:
		c.failed = 1;
	}
	return c.failed ? MINT_PROTOCOL : (int)(out_bytes - c.left);
}

int
message_get(struct message *message, const uint8_t *packet, size_t packet_bytes)
{
	struct cursor c = { .in = packet, .left = packet_bytes };

	memset(message, 0, sizeof *message);
	message->type = (enum message_type)get_integer(&c, 2);
	/* Each text or blob takes 4 bytes of length on the wire and one of NUL here: the packet's size is enough. */
	message->storage = c.storage = malloc(packet_bytes + 1);
	message->storage_bytes = packet_bytes + 1;
	if (!message->storage)
		return MINT_MEMORY;
	switch (message->type) {
#define MESSAGE(name, number, fields) case MESSAGE_##name: get_message_##name(&c, &message->name); break;
#include "schemas/messages.def"
#undef MESSAGE
	default:
		c.failed = 1;
	}
	if (c.failed || c.left) {
		message_clear(message);
		return MINT_PROTOCOL;
	}
	return 0;
}

void
message_clear(struct message *message)
{
	if (!message)
		return;
	if (message->storage)
		explicit_bzero(message->storage, message->storage_bytes);
	free(message->storage);
	memset(message, 0, sizeof *message);
}

const char *
message_name(enum message_type type)
{
	switch (type) {
#define MESSAGE(name, number, fields) case MESSAGE_##name: return #name;
#include "schemas/messages.def"
#undef MESSAGE
	default:
		return "?";
	}
}

/* The messages of messages.def as structs, and their encoding. Pure: no I/O here (hostd/base/ipc.h sends them). */
#ifndef MINT_SCHEMAS_MESSAGES_H
#define MINT_SCHEMAS_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX_BYTES (128 * 1024)

enum program { PROGRAM_MINTD = 1, PROGRAM_QUEUE, PROGRAM_WORKER, PROGRAM_CA, PROGRAM_BENCH, PROGRAM_LABEL, PROGRAM_API };
enum worker_role {
	ROLE_MINT = 1,
	ROLE_PROVE,
	ROLE_WATCH, /* tells what a slot shows that PC/SC does not know of, until it is told to finish */
	ROLE_SURVEY /* for a person who tries a token: every step, and `survey` */
};
enum presence { PRESENCE_NO_READER, PRESENCE_EMPTY, PRESENCE_TOKEN, PRESENCE_MUTE /* a token that gives no ATR */ };
enum station_link {
	STATION_LINK_NONE,    /* it is not on the bus */
	STATION_LINK_UP,
	STATION_LINK_REFUSED, /* another version, or no such serial number */
	STATION_LINK_SILENT,  /* on the bus, without an answer yet or any more: its supply is there */
};
enum stop { STOP_RELEASED, STOP_PRESSED /* no bay has power */, STOP_NOT_SAID /* neither board nor line has told yet: as last known */ };
enum supply { SUPPLY_OFF, SUPPLY_RISING, SUPPLY_ON, SUPPLY_OVER_CURRENT, SUPPLY_WEAK /* VBUS outside its range */, SUPPLY_UNKNOWN /* the hardware has not answered */ };
enum token_content {
	CONTENT_BLANK = 1,   /* known model, nothing on it */
	CONTENT_MARKED,      /* initialised, label is of ours */
	CONTENT_HALF,        /* initialisation was begun and not finished */
	CONTENT_FOREIGN,     /* initialised by someone else */
	CONTENT_UNKNOWN_CARD /* no model profile matches */
};
enum { TRIES_NOT_SAID = 255 };
enum fault { FAULT_TOKEN = 1, FAULT_HOST, FAULT_GONE /* token or reader vanished */, FAULT_ORDER /* the step itself cannot be done */ };
enum import_outcome { IMPORT_ADDED = 1, IMPORT_HELD, IMPORT_UNCHANGED, IMPORT_DIFFERENT, IMPORT_FAILED };

/* Bytes with a length. In a decoded message `data` is owned by the message. */
struct blob {
	const uint8_t *data;
	uint32_t       length;
};

typedef uint8_t     message_u8;
typedef uint32_t    message_u32;
typedef uint64_t    message_u64;
typedef int64_t     message_i64;
typedef const char *message_text;
typedef struct blob message_blob;

#define FIELD(type, name, limit) message_##type name;
#define MESSAGE(name, number, fields) struct message_##name { fields };
#include "schemas/messages.def"
#undef MESSAGE

enum message_type {
#define MESSAGE(name, number, fields) MESSAGE_##name = (number),
#include "schemas/messages.def"
#undef MESSAGE
};

struct message {
	enum message_type type;
	union {
#define MESSAGE(name, number, fields) struct message_##name name;
#include "schemas/messages.def"
#undef MESSAGE
	};
	uint8_t *storage; /* texts and blobs of a decoded message live here; NULL in one made by hand */
	size_t   storage_bytes;
};
#undef FIELD

/* Writes `message` to `out` (MESSAGE_MAX_BYTES are always enough). NULL texts are written as "".
 * Returns the length in bytes, or MINT_PROTOCOL when a field is longer than its limit or a text is not UTF-8. */
int message_put(const struct message *message, uint8_t *out, size_t out_bytes);

/* Reads one whole packet. On success the caller frees with message_clear; on MINT_PROTOCOL (unknown number, field over its
 * limit, bad UTF-8, NUL in a text, bytes left over) or MINT_MEMORY there is nothing to free. */
int message_get(struct message *message, const uint8_t *packet, size_t packet_bytes);

/* Wipes and frees what a decoded message owns: codes and envelopes pass through here. NULL is fine. */
void message_clear(struct message *message);

/* "make_key"; "?" for a number that is not in the list. */
const char *message_name(enum message_type type);

#endif

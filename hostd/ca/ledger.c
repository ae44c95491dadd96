#include "hostd/ca/ledger.h"
#include "schemas/errors.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing with linear probing over one key field of the entries. A slot holds an entry's number + 1. */
struct index {
	size_t    key_offset, key_bytes;
	uint32_t *slots;
	size_t    slot_count;                   /* a power of two */
};

struct ledger {
	struct entry      *entries;
	size_t             room;
	uint32_t          *revoked;             /* entry numbers in the order of revocation */
	size_t             revoked_room;
	struct index       by_request, by_serial, by_key;
	struct ledger_mark now;
	uint8_t            issuer[DIGEST_BYTES];
};

#define KEY(field) offsetof(struct entry, field), sizeof(((struct entry *)0)->field)

static const uint8_t *
key_of(const struct index *index, const struct entry *entry)
{
	return (const uint8_t *)entry + index->key_offset;
}

/* FNV-1a: the keys are random numbers, hashes, or counted up by the queue; nobody outside chooses them. */
static size_t
slot_of(const struct index *index, const uint8_t *key)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < index->key_bytes; i++)
		hash = (hash ^ key[i]) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 32) & (index->slot_count - 1);
}

static const struct entry *
index_find(const struct ledger *ledger, const struct index *index, const uint8_t *key)
{
	for (size_t i = slot_of(index, key); index->slots[i] != 0; i = (i + 1) & (index->slot_count - 1)) {
		const struct entry *entry = &ledger->entries[index->slots[i] - 1];

		if (memcmp(key_of(index, entry), key, index->key_bytes) == 0)
			return entry;
	}
	return NULL;
}

static void
index_put(const struct ledger *ledger, struct index *index, size_t number)
{
	size_t i = slot_of(index, key_of(index, &ledger->entries[number]));

	while (index->slots[i] != 0)
		i = (i + 1) & (index->slot_count - 1);
	index->slots[i] = (uint32_t)number + 1;
}

/* Builds the index anew with room for twice the entries that fit now. */
static int
index_build(const struct ledger *ledger, struct index *index)
{
	size_t count = 2 * ledger->room;
	uint32_t *slots = calloc(count, sizeof *slots);

	if (!slots)
		return MINT_MEMORY;
	free(index->slots);
	index->slots = slots;
	index->slot_count = count;
	for (size_t i = 0; i < ledger->now.entries; i++)
		index_put(ledger, index, i);
	return 0;
}

static int
build_all(struct ledger *ledger)
{
	int r = index_build(ledger, &ledger->by_request);

	if (r == 0)
		r = index_build(ledger, &ledger->by_serial);
	return r == 0 ? index_build(ledger, &ledger->by_key) : r;
}

struct ledger *
ledger_new(void)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);

	if (!ledger)
		return NULL;
	ledger->by_request = (struct index){ KEY(request_id), NULL, 0 };
	ledger->by_serial = (struct index){ KEY(serial), NULL, 0 };
	ledger->by_key = (struct index){ KEY(spki), NULL, 0 };
	ledger->room = ledger->revoked_room = 256;
	ledger->entries = calloc(ledger->room, sizeof *ledger->entries);
	ledger->revoked = calloc(ledger->revoked_room, sizeof *ledger->revoked);
	if (!ledger->entries || !ledger->revoked || build_all(ledger) != 0)
		ledger_free(&ledger);
	return ledger;
}

void
ledger_free(struct ledger **place)
{
	struct ledger *ledger = *place;

	*place = NULL;
	if (!ledger)
		return;
	free(ledger->by_request.slots);
	free(ledger->by_serial.slots);
	free(ledger->by_key.slots);
	free(ledger->entries);
	free(ledger->revoked);
	free(ledger);
}

static void
request_key(uint8_t key[8], uint64_t request_id)
{
	for (int i = 0; i < 8; i++)
		key[i] = (uint8_t)(request_id >> (56 - 8 * i));
}

uint64_t
entry_request_id(const struct entry *entry)
{
	uint64_t id = 0;

	for (int i = 0; i < 8; i++)
		id = id << 8 | entry->request_id[i];
	return id;
}

static int
reserve_revocation(struct ledger *ledger)
{
	uint32_t *revoked;

	if (ledger->now.revocations < ledger->revoked_room)
		return 0;
	revoked = realloc(ledger->revoked, 2 * ledger->revoked_room * sizeof *revoked);
	if (!revoked)
		return MINT_MEMORY;
	ledger->revoked = revoked;
	ledger->revoked_room *= 2;
	return 0;
}

int
ledger_reserve(struct ledger *ledger)
{
	struct entry *entries;

	if (ledger->now.entries == ledger->room) {
		entries = ledger->room > UINT32_MAX / 4 ? NULL : realloc(ledger->entries, 2 * ledger->room * sizeof *entries);
		if (!entries)
			return MINT_MEMORY;
		ledger->entries = entries;
		ledger->room *= 2;
		if (build_all(ledger) != 0) {
			ledger->room /= 2; /* the old indexes still fit the old count */
			return MINT_MEMORY;
		}
	}
	return reserve_revocation(ledger);
}

static int
add_issued(struct ledger *ledger, const struct record *record, struct place place)
{
	struct entry *entry;

	if (ledger_by_request(ledger, record->request_id) || ledger_by_serial(ledger, record->serial) ||
	    ledger_by_key(ledger, record->spki))
		return MINT_DIFFERENT;
	if (ledger_reserve(ledger) != 0)
		return MINT_MEMORY;
	entry = &ledger->entries[ledger->now.entries];
	*entry = (struct entry){ .at = record->at, .place = place };
	request_key(entry->request_id, record->request_id);
	memcpy(entry->serial, record->serial, SERIAL_BYTES);
	memcpy(entry->spki, record->spki, DIGEST_BYTES);
	memcpy(entry->content, record->content, DIGEST_BYTES);
	index_put(ledger, &ledger->by_request, ledger->now.entries);
	index_put(ledger, &ledger->by_serial, ledger->now.entries);
	index_put(ledger, &ledger->by_key, ledger->now.entries);
	ledger->now.entries++;
	return 0;
}

static int
add_revoked(struct ledger *ledger, const struct record *record)
{
	const struct entry *found = ledger_by_serial(ledger, record->serial);
	struct entry *entry;

	if (!found || entry_request_id(found) != record->request_id || found->revoked_at != 0)
		return MINT_DIFFERENT;
	if (reserve_revocation(ledger) != 0)
		return MINT_MEMORY;
	entry = &ledger->entries[found - ledger->entries];
	entry->revoked_at = record->at;
	entry->reason = record->reason;
	ledger->revoked[ledger->now.revocations++] = (uint32_t)(entry - ledger->entries);
	return 0;
}

static int
add_crl(struct ledger *ledger, const struct record *record)
{
	if (record->crl_number <= ledger->now.crl_number)
		return MINT_DIFFERENT;
	ledger->now.crl_number = record->crl_number;
	ledger->now.crl_next_at = record->crl_next_at;
	ledger->now.published = ledger->now.revocations;
	return 0;
}

int
ledger_add(struct ledger *ledger, const struct record *record, struct place place)
{
	int r = 0;

	switch (record->kind) {
	case RECORD_OPENED:
		memcpy(ledger->issuer, record->issuer, DIGEST_BYTES);
		break;
	case RECORD_ISSUED:
		r = add_issued(ledger, record, place);
		break;
	case RECORD_REVOKED:
		r = add_revoked(ledger, record);
		break;
	case RECORD_CRL:
		r = add_crl(ledger, record);
		break;
	case RECORD_CLOCK: /* what came before is not held against the clock any more, what comes after is */
		ledger->now.newest_at = record->at;
		break;
	}
	if (r == 0 && record->at > ledger->now.newest_at)
		ledger->now.newest_at = record->at;
	return r;
}

struct ledger_mark
ledger_mark(const struct ledger *ledger)
{
	return ledger->now;
}

int
ledger_rewind(struct ledger *ledger, struct ledger_mark mark)
{
	for (size_t i = mark.revocations; i < ledger->now.revocations; i++)
		ledger->entries[ledger->revoked[i]].revoked_at = 0;
	ledger->now = mark;
	return build_all(ledger);
}

const struct entry *
ledger_by_request(const struct ledger *ledger, uint64_t request_id)
{
	uint8_t key[8];

	request_key(key, request_id);
	return index_find(ledger, &ledger->by_request, key);
}

const struct entry *
ledger_by_serial(const struct ledger *ledger, const uint8_t serial[SERIAL_BYTES])
{
	return index_find(ledger, &ledger->by_serial, serial);
}

const struct entry *
ledger_by_key(const struct ledger *ledger, const uint8_t spki[DIGEST_BYTES])
{
	return index_find(ledger, &ledger->by_key, spki);
}

size_t
ledger_count(const struct ledger *ledger)
{
	return ledger->now.entries;
}

size_t
ledger_revoked_count(const struct ledger *ledger)
{
	return ledger->now.revocations;
}

const struct entry *
ledger_revoked(const struct ledger *ledger, size_t n)
{
	return &ledger->entries[ledger->revoked[n]];
}

int64_t
ledger_newest_at(const struct ledger *ledger)
{
	return ledger->now.newest_at;
}

uint64_t
ledger_crl_number(const struct ledger *ledger)
{
	return ledger->now.crl_number;
}

int64_t
ledger_crl_next_at(const struct ledger *ledger)
{
	return ledger->now.crl_next_at;
}

int
ledger_crl_is_stale(const struct ledger *ledger)
{
	return ledger->now.crl_number == 0 || ledger->now.published < ledger->now.revocations;
}

const uint8_t *
ledger_issuer(const struct ledger *ledger)
{
	return ledger->issuer;
}

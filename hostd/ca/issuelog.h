/* The issue log: an append-only file of records (record.h), the CA's own memory of what it signed.
 *
 * Nothing is answered before its record is on the disk. A batch that a power cut tore was never answered: its remains are moved
 * to a file of their own and the log goes on. Any other damage stops the program: a CA that does not know what it signed must
 * not sign.
 */
#ifndef MINT_CA_ISSUELOG_H
#define MINT_CA_ISSUELOG_H

#include "hostd/ca/reason.h"
#include "hostd/ca/record.h"

#define ISSUELOG_NAME "issued.log"

struct issuelog;
enum issuelog_mode {
	ISSUELOG_READ,      /* beside a running CA: no lock, remains of a torn batch are passed over, not cut */
	ISSUELOG_APPEND     /* alone: MINT_BUSY while another holds it */
};

/* Where a line stands in the file. */
struct place {
	uint64_t offset;
	uint32_t bytes;     /* without its newline */
};

/* Called for each record in order; an error ends the reading and is returned. The record is cleared afterwards. */
typedef int issuelog_visitor(const struct record *record, struct place place, void *argument);

/* Makes a log with its first record in `directory`. MINT_EXISTS, MINT_STORAGE. */
int issuelog_create(int directory, const uint8_t issuer[DIGEST_BYTES], int64_t at, struct reason *reason);

/* Reads the whole log and keeps it open. MINT_NOT_FOUND, MINT_BUSY, MINT_SYNTAX (damaged), MINT_STORAGE, MINT_MEMORY, or what the
 * visitor returned. *torn_bytes (may be NULL): what was cut or passed over. */
int issuelog_open(struct issuelog **log, int directory, enum issuelog_mode mode, issuelog_visitor *visitor, void *argument,
    uint64_t *torn_bytes, struct reason *reason);
void issuelog_close(struct issuelog **log);

/* Adds to the batch in memory; fills in the record's number, prev and durable. MINT_MEMORY, MINT_REFUSED when the batch is full
 * (ISSUELOG_BATCH_MAX: sync first). */
enum { ISSUELOG_BATCH_MAX = 64 };
int issuelog_append(struct issuelog *log, struct record *record, struct place *place);

/* Writes the batch and waits for the disk. On MINT_STORAGE the batch is dropped: nothing of it counts. After a failure to write
 * (disk full) the file is as before and the log may be used on; after a failure to sync issuelog_is_broken says so: end the
 * program, the next start finds out what the disk holds. */
int issuelog_sync(struct issuelog *log, struct reason *reason);
int issuelog_is_broken(const struct issuelog *log);

/* Reads one record again, also one that is still in the batch. Clear it with record_clear. MINT_STORAGE, MINT_SYNTAX. */
int issuelog_read(struct issuelog *log, struct place place, struct record *record);

#endif

/* The state file of one token, DIR/<serial>.token.
 *
 * Two halves of STORE_HALF bytes, each a record (integers little-endian):
 *
 *	0   8  magic "MBTOKEN1"
 *	8   8  sequence number
 *	16  4  length of the state
 *	20 32  SHA-256 over magic, sequence number, length and state
 *	52  …  the state, as card_put wrote it
 *
 * The sound record with the higher sequence number counts. Saving writes the other half and syncs, so a write torn at
 * any byte leaves the state of before; nothing is allocated after the first two saves, which makes the sync as cheap
 * as a disk allows. A new file appears under its name only when its first record is whole.
 *
 * State, version 1 (card_put):
 *	version u8 · serial 10 · life cycle u8 (1 creation, 7 operational) · change counter u16 · generations u32 ·
 *	number of PINs u8, each: reference u8, then PIN and PUK as tries u8, tries left u8, salt 16, SHA-256 32 ·
 *	number of files u16, each: place of its DF u16 (0 is the master file, which comes first), identifier u16,
 *	type u8, size u16, access 3, property 2, length of the name u8, name; then of a plain file its bytes, of a key
 *	file the length u16 (0: no key yet) and PrivateKeyInfo (RFC 5958). The key stands in clear: the file is the inside
 *	of the token, and its mode is 0600.
 */
#ifndef MINT_VTOKEN_STORE_H
#define MINT_VTOKEN_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_HALF 262144

struct store; /* an open state file; used by one thread at a time */

/* Makes the file `name` in the directory with this state. MINT_EXISTS, MINT_STORAGE, MINT_MEMORY. */
int store_create(int directory, const char *name, const uint8_t *state, size_t len);

/* Opens a file and gives its state, which the caller frees with OPENSSL_clear_free.
 * MINT_NOT_FOUND, MINT_SYNTAX (no half is sound), MINT_STORAGE, MINT_MEMORY. */
int store_open(struct store **store, int directory, const char *name, uint8_t **state, size_t *len);

/* Returns when the state is on the disk. After MINT_STORAGE the state before it still counts. */
int store_save(struct store *store, const uint8_t *state, size_t len);

void store_close(struct store **store);

#endif

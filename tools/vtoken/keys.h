/* Private keys on the card: RSA 512 … 4096 bits, and the curves P-192, P-256, P-384, P-521. All by OpenSSL. */
#ifndef MINT_VTOKEN_KEYS_H
#define MINT_VTOKEN_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define KEY_DATA_MAX 512 /* longest modulus, signature or cryptogram, bytes: RSA-4096 */

enum key_type { KEY_RSA = 1, KEY_EC = 2 };

/* Algorithm reference of MANAGE SECURITY ENVIRONMENT, tag 80. */
enum key_algorithm { KEY_ALGORITHM_RAW = 0x00, KEY_ALGORITHM_PKCS1 = 0x02, KEY_ALGORITHM_EC = 0x04 };

/* Parts of a key that is written from outside; numbers are P2 of PUT DATA. */
enum key_part {
	KEY_PART_MODULUS  = 0x80,
	KEY_PART_EXPONENT = 0x81,
	KEY_PART_P        = 0x83,
	KEY_PART_Q        = 0x84,
	KEY_PART_DP       = 0x85,
	KEY_PART_DQ       = 0x86, /* with an EC key file: the public point */
	KEY_PART_QINV     = 0x87, /* with an EC key file: the private scalar */
};

struct key;       /* a private key; used by one thread at a time, as it is decoded when it is first needed */
struct key_parts; /* a key on its way in */

/* 1 when keys of this type and size exist here. */
int key_size_known(enum key_type type, unsigned bits);

/* A fresh key pair; RSA with exponent 65537. Takes up to seconds for RSA. MINT_CRYPTO, MINT_ARGUMENT (size). */
int key_generate(struct key **key, enum key_type type, unsigned bits);

/* PrivateKeyInfo in DER (RFC 5958). MINT_CRYPTO when the bytes are no key of the kinds above. */
int key_from_der(struct key **key, const uint8_t *der, size_t len);
/* Likewise, of a known kind, and only decoded when it is first used: most keys of a loaded token never are, and decoding
 * takes longer than all the rest. Bytes that are no such key then make every operation fail with MINT_CRYPTO. */
int key_from_stored(struct key **key, enum key_type type, unsigned bits, const uint8_t *der, size_t len);
/* Borrowed from the key. */
int key_to_der(struct key *key, const uint8_t **der, size_t *len);

void          key_free(struct key **key);
enum key_type key_type(const struct key *key);
unsigned      key_bits(const struct key *key);

/* The public half; each gives the number of bytes written (at most KEY_DATA_MAX), or an error. Big-endian without a
 * sign byte; the point is uncompressed (SEC 1, 2.3.3). MINT_REFUSED when the key is of the other type. */
int key_modulus(struct key *key, uint8_t out[KEY_DATA_MAX]);
int key_exponent(struct key *key, uint8_t out[KEY_DATA_MAX]);
int key_point(struct key *key, uint8_t out[KEY_DATA_MAX]);

/* Operations; each gives the number of bytes written or an error (MINT_ARGUMENT: input of a wrong length or form).
 * RSA: RAW takes exactly a modulus' length, PKCS1 pads what it is given (PKCS #1 v2.2, 8.2.1 without the hash step).
 * EC: a digest, as an integer with leading zeroes allowed; gives the DER of ECDSA-Sig-Value (SEC 1, C.8). */
int key_sign(struct key *key, enum key_algorithm algorithm, const uint8_t *in, size_t in_len,
	     uint8_t out[KEY_DATA_MAX]);
int key_decipher(struct key *key, enum key_algorithm algorithm, const uint8_t *in, size_t in_len,
		 uint8_t out[KEY_DATA_MAX]);
/* The x coordinate shared with an uncompressed point (SEC 1, 3.3.1). */
int key_derive(struct key *key, const uint8_t *point, size_t point_len, uint8_t out[KEY_DATA_MAX]);

/* NULL when out of memory. */
struct key_parts *key_parts_new(void);
void              key_parts_free(struct key_parts **parts);
/* Takes one part (copied); a part given again replaces. MINT_ARGUMENT when it is too long. */
int key_parts_add(struct key_parts *parts, enum key_part part, const uint8_t *bytes, size_t len);
/* 1 when all parts of such a key are there. */
int key_parts_complete(const struct key_parts *parts, enum key_type type);
/* The key, checked for consistency; MINT_CRYPTO when the parts do not make one of this size. */
int key_parts_join(const struct key_parts *parts, enum key_type type, unsigned bits, struct key **key);

#endif

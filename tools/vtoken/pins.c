#include "tools/vtoken/pins.h"

#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

#define SALT_LEN 16
#define HASH_LEN 32
#define TRIES_MAX 15

/* A PIN or a PUK. tries_max is 0 when it was never set. */
struct secret {
	uint8_t tries_max, tries_left;
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
};

struct pins {
	struct { struct secret pin, puk; } of[PIN_LAST + 1];
};

struct pins *
pins_new(void)
{
	return calloc(1, sizeof(struct pins));
}

void
pins_free(struct pins **pins)
{
	if (*pins)
		OPENSSL_clear_free(*pins, sizeof **pins);
	*pins = NULL;
}

static int
hash_secret(const uint8_t salt[SALT_LEN], const uint8_t value[PIN_LEN], uint8_t hash[HASH_LEN])
{
	uint8_t input[SALT_LEN + PIN_LEN];
	int good;

	memcpy(input, salt, SALT_LEN);
	memcpy(input + SALT_LEN, value, PIN_LEN);
	good = EVP_Digest(input, sizeof input, hash, NULL, EVP_sha256(), NULL);
	OPENSSL_cleanse(input, sizeof input);
	return good ? 0 : MINT_CRYPTO;
}

static int
secret_set(struct secret *secret, const uint8_t value[PIN_LEN], unsigned tries)
{
	struct secret fresh = { .tries_max = (uint8_t)tries, .tries_left = (uint8_t)tries };

	if (RAND_bytes(fresh.salt, SALT_LEN) != 1 || hash_secret(fresh.salt, value, fresh.hash))
		return MINT_CRYPTO;
	*secret = fresh;
	return 0;
}

static enum pin_answer
secret_compare(struct secret *secret, const uint8_t value[PIN_LEN], bool *changed)
{
	uint8_t hash[HASH_LEN], before = secret->tries_left;
	bool right;

	if (secret->tries_max == 0)
		return PIN_ABSENT;
	if (secret->tries_left == 0)
		return PIN_BLOCKED;
	secret->tries_left--;
	right = hash_secret(secret->salt, value, hash) == 0 && CRYPTO_memcmp(hash, secret->hash, HASH_LEN) == 0;
	if (right)
		secret->tries_left = secret->tries_max;
	*changed |= secret->tries_left != before;
	return right ? PIN_RIGHT : PIN_WRONG;
}

int
pins_set(struct pins *pins, unsigned reference, const uint8_t pin[PIN_LEN], const uint8_t puk[PIN_LEN],
	 unsigned pin_tries, unsigned puk_tries)
{
	int error = secret_set(&pins->of[reference].pin, pin, pin_tries);

	return error ? error : secret_set(&pins->of[reference].puk, puk, puk_tries);
}

bool
pins_exist(const struct pins *pins, unsigned reference)
{
	return reference >= PIN_FIRST && reference <= PIN_LAST && pins->of[reference].pin.tries_max > 0;
}

unsigned
pins_tries_left(const struct pins *pins, unsigned reference)
{
	return pins->of[reference].pin.tries_left;
}

unsigned
pins_puk_tries_left(const struct pins *pins, unsigned reference)
{
	return pins->of[reference].puk.tries_left;
}

enum pin_answer
pins_verify(struct pins *pins, unsigned reference, const uint8_t pin[PIN_LEN], bool *changed)
{
	return secret_compare(&pins->of[reference].pin, pin, changed);
}

/* A new value with all tries, after `answer` was PIN_RIGHT; without randomness the old PIN stays. */
static enum pin_answer
replace_pin(struct secret *pin, const uint8_t new_pin[PIN_LEN], enum pin_answer answer, bool *changed)
{
	if (answer != PIN_RIGHT)
		return answer;
	if (secret_set(pin, new_pin, pin->tries_max))
		return PIN_BLOCKED;
	*changed = true;
	return PIN_RIGHT;
}

enum pin_answer
pins_change(struct pins *pins, unsigned reference, const uint8_t old_pin[PIN_LEN], const uint8_t new_pin[PIN_LEN],
	    bool *changed)
{
	struct secret *pin = &pins->of[reference].pin;

	return replace_pin(pin, new_pin, secret_compare(pin, old_pin, changed), changed);
}

enum pin_answer
pins_unblock(struct pins *pins, unsigned reference, const uint8_t puk[PIN_LEN], const uint8_t new_pin[PIN_LEN],
	     bool *changed)
{
	struct secret *secret = &pins->of[reference].puk;

	return replace_pin(&pins->of[reference].pin, new_pin, secret_compare(secret, puk, changed), changed);
}

static void
secret_put(const struct secret *secret, struct wire_out *out)
{
	wire_put_u8(out, secret->tries_max);
	wire_put_u8(out, secret->tries_left);
	wire_put_bytes(out, secret->salt, SALT_LEN);
	wire_put_bytes(out, secret->hash, HASH_LEN);
}

static int
secret_get(struct secret *secret, struct wire_in *in)
{
	secret->tries_max = wire_get_u8(in);
	secret->tries_left = wire_get_u8(in);
	wire_get_bytes(in, secret->salt, SALT_LEN);
	wire_get_bytes(in, secret->hash, HASH_LEN);
	if (in->failed || secret->tries_max > TRIES_MAX || secret->tries_left > secret->tries_max)
		return MINT_SYNTAX;
	return 0;
}

void
pins_put(const struct pins *pins, struct wire_out *out)
{
	uint8_t count = 0;

	for (unsigned n = PIN_FIRST; n <= PIN_LAST; n++)
		count += pins_exist(pins, n);
	wire_put_u8(out, count);
	for (unsigned n = PIN_FIRST; n <= PIN_LAST; n++) {
		if (!pins_exist(pins, n))
			continue;
		wire_put_u8(out, (uint8_t)n);
		secret_put(&pins->of[n].pin, out);
		secret_put(&pins->of[n].puk, out);
	}
}

int
pins_get(struct pins *pins, struct wire_in *in)
{
	unsigned count = wire_get_u8(in), n;

	memset(pins, 0, sizeof *pins);
	while (count--) {
		n = wire_get_u8(in);
		if (n < PIN_FIRST || n > PIN_LAST || pins_exist(pins, n))
			return MINT_SYNTAX;
		if (secret_get(&pins->of[n].pin, in) || secret_get(&pins->of[n].puk, in))
			return MINT_SYNTAX;
	}
	return in->failed ? MINT_SYNTAX : 0;
}

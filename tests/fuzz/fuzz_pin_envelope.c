/* Envelopes of any bytes: opened or refused, never a crash, a leak or a read past the end; and what is inside, in clear. */
#include "tools/pinoffice/opener.h"

#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made for this test and used nowhere: with it the envelopes of the corpus open, so that what is behind the ciphertext is reached. */
static const char pem[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIEw1RsrXc417FmamohLxvk9enw6/L95u4ZflM61MAo/OoAoGCCqGSM49\n"
    "AwEHoUQDQgAEo5o00GaPCKYWgy26MvkbTYJ9Pyn8QqSPgzFAINGm5GvyeZebLRzT\n"
    "OVuDJl3rpA1zXZ2pyY3ggKK8qzb8j7vS6A==\n"
    "-----END EC PRIVATE KEY-----\n";

static struct office_key office;

static void
read_key(void)
{
	BIO *in = BIO_new_mem_buf(pem, -1);

	office.key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	BIO_free(in);
	if (!office.key)
		abort();
}

static void
check(const struct content *content, int good)
{
	if (good && !content_has(content, SEAT_user) && !content_has(content, SEAT_so))
		abort();
	if (good && (!*content->model || !*content->serial || !*content->label))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char detail[FAULT_DETAIL_BYTES];
	struct content content;
	const char *why;
	int r;

	if (!office.key)
		read_key();
	r = opener_open(&office, data, size, &content, detail) == FAULT_none;
	check(&content, r);
	if (strlen(detail) >= sizeof detail)
		abort();
	r = content_read((const char *)data, size, &content, &why);
	if ((r == 0) != (why == NULL))
		abort();
	check(&content, r == 0);
	return 0;
}

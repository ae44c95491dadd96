/* The APDU log: secrets masked whatever the form of the command, everything else in full. */
#include "tests/unit/vtoken_dialogue.h"
#include "tools/vtoken/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
bodies_that_hold_secrets_are_masked(void **state)
{
	static const struct { const char *command, *masked; } rows[] = {
		{ "0020000108 3132333435363738", "0020000108****************" },
		{ "1020000108 3132333435363738", "1020000108****************" },
		{ "8020000108 3132333435363738", "8020000108****************" },
		{ "0024000104 31323334", "0024000104********" },
		{ "002C000104 31323334", "002C000104********" },
		{ "00DA010104 31323334", "00DA010104********" },
		{ "00DA018302 1234", "00DA018302****" },
		{ "0020000100 0008 3132333435363738", "0020000100********************" },
		{ "00200001", "00200001" },
		{ "0020000108", "0020000108" },
		{ "00DA01E008 FFFF113FFF111FFF", "00DA01E008FFFF113FFF111FFF" },
		{ "002A9E9A04 01020304 00", "002A9E9A040102030400" },
		{ "00D6000002 3132", "00D60000023132" },
		{ "0020", "0020" },
	};
	uint8_t bytes[64];
	char out[160];

	(void)state;
	for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
		trail_mask(bytes, dialogue_bytes(rows[n].command, bytes, sizeof bytes), out);
		assert_string_equal(out, rows[n].masked);
	}
}

/* Writes entries into a file and gives back its text, which the caller frees. */
static char *
written(const struct trail_entry *entries, size_t count)
{
	char path[] = "/tmp/trail.XXXXXX", *text = calloc(1, 4096);
	struct trail *trail;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(trail_open(&trail, path), 0);
	for (size_t n = 0; n < count; n++)
		trail_command(trail, &entries[n]);
	trail_close(&trail);
	assert_true(read(fd, text, 4095) > 0);
	close(fd);
	unlink(path);
	return text;
}

static void
a_line_has_the_documented_fields(void **state)
{
	static const uint8_t read_binary[] = { 0x00, 0xB0, 0x00, 0x00, 0x02 }, answer[] = { 0x30, 0x82, 0x90, 0x00 };
	static const uint8_t generate[] = { 0x00, 0x46, 0x00, 0x00 };
	const struct trail_generation generation = { .drawn_us = 27000, .key = "p256", .source = "pool" };
	const struct trail_entry entries[] = {
		{ 1795421730123456, 812, 3, "01", 17, read_binary, answer, sizeof read_binary, sizeof answer, NULL },
		{ 1795421731000001, 27050, 3, "01", 18, generate, NULL, sizeof generate, 0, &generation },
	};
	char *text = written(entries, 2);

	(void)state;
	assert_string_equal(text,
		"2026-11-23T08:15:30.123456Z slot=3 serial=01 n=17 us=812 > 00B0000002 < 30829000\n"
		"2026-11-23T08:15:31.000001Z slot=3 serial=01 n=18 us=27050 drawn_us=27000 key=p256 source=pool"
		" > 00460000 < -\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_that_hold_secrets_are_masked),
		cmocka_unit_test(a_line_has_the_documented_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

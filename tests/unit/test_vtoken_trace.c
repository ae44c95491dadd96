/* Replays the command side of recorded dialogues (tests/golden/myeid.trace) and compares what the card answers. Status
 * words, control information and what was written must agree to the byte; keys and signatures can only agree in form.
 */
#include "tests/unit/vtoken_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE "tests/golden/myeid.trace"
#define TEXT_MAX 4096

/* "FF{3}" is "FFFFFF". */
static void
unfold(const char *line, char text[TEXT_MAX])
{
	size_t used = 0, times, taken;
	int skipped;

	while (*line && *line != '\n') {
		taken = 2;
		times = 1;
		skipped = 0;
		if (line[2] == '{')
			assert_int_equal(sscanf(line + 2, "{%zu}%n", &times, &skipped), 1);
		assert_true(used + 2 * times < TEXT_MAX);
		for (; times; times--, used += 2)
			memcpy(text + used, line, 2);
		line += taken + (size_t)skipped;
	}
	text[used] = '\0';
}

/* Applet information: the recorded card has another name. */
static void
compare_info(const uint8_t *got, const uint8_t *recorded, size_t len)
{
	assert_int_equal(len, 20);
	assert_memory_equal(got + 5, recorded + 5, len - 5);
}

/* Capabilities: the recorded card offers symmetric keys and RSA only up to 2048 bits. */
static void
compare_capabilities(const uint8_t *got, const uint8_t *recorded, size_t len)
{
	assert_int_equal(len, 11);
	assert_int_equal(got[0], recorded[0]);
	assert_memory_equal(got + 9, recorded + 9, 2);
}

/* A point: its wrapping and the byte that says uncompressed. */
static void
compare_point(const uint8_t *got, const uint8_t *recorded, size_t len)
{
	(void)len;
	assert_memory_equal(got, recorded, 3);
}

static void
compare_length(const uint8_t *got, const uint8_t *recorded, size_t len)
{
	(void)recorded;
	assert_int_not_equal(got[0] | got[len - 1], 0);
}

static void
compare_all(const uint8_t *got, const uint8_t *recorded, size_t len)
{
	if (len)
		assert_memory_equal(got, recorded, len);
}

/* An ECDSA signature is DER of some 70 … 72 bytes; an RSA signature as long as the modulus. */
static void
compare_signature(const struct card_reply *got, const uint8_t *recorded, size_t len)
{
	size_t got_len = got->len - 2;

	if (len == 258) {
		assert_int_equal(got_len, 256);
		return;
	}
	assert_int_equal(recorded[0], 0x30);
	assert_int_equal(got->bytes[0], 0x30);
	assert_int_equal(got->bytes[1], got_len - 2);
	assert_int_equal(got->bytes[2], 0x02);
	assert_in_range(got_len, 66, 72);
}

static const struct {
	const char *command; /* how it starts */
	void (*compare)(const uint8_t *got, const uint8_t *recorded, size_t len);
} rules[] = {
	{ "00CA01A0", compare_info },
	{ "00CA01AA", compare_capabilities },
	{ "00CA0186", compare_point },
	{ "00CA0101", compare_length },
	{ "", compare_all },
};

static void
compare(const char *command, const struct card_reply *got, const char *answer)
{
	uint8_t recorded[TEXT_MAX / 2];
	size_t len = dialogue_bytes(answer, recorded, sizeof recorded);

	assert_memory_equal(got->bytes + got->len - 2, recorded + len - 2, 2);
	if (strncmp(command, "002A9E9A", 8) == 0) {
		compare_signature(got, recorded, len);
		return;
	}
	assert_int_equal(got->len, len);
	for (size_t n = 0; n < sizeof rules / sizeof rules[0]; n++) {
		if (strncmp(command, rules[n].command, strlen(rules[n].command)))
			continue;
		rules[n].compare(got->bytes, recorded, len - 2);
		return;
	}
}

static void
answers_are_those_of_the_recorded_card(void **state)
{
	char line[TEXT_MAX], command[TEXT_MAX] = "", answer[TEXT_MAX];
	FILE *trace = fopen(TRACE, "r");
	struct card *card = NULL;
	int replayed = 0;

	(void)state;
	assert_non_null(trace);
	while (fgets(line, sizeof line, trace)) {
		if (line[0] == '@') {
			card_free(&card);
			card = dialogue_card();
		} else if (line[0] == '#') {
			card_reset(card);
			print_message("%s", line);
		} else if (line[0] == '>') {
			unfold(line + 2, command);
		} else if (line[0] == '<') {
			unfold(line + 2, answer);
			compare(command, dialogue_say(card, command), answer);
			replayed++;
		}
	}
	fclose(trace);
	card_free(&card);
	assert_int_equal(replayed, 698);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers_are_those_of_the_recorded_card) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

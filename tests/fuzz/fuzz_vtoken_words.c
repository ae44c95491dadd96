/* What comes over vtoken's control socket: the words of faults and expectations, and the names of laws. A fault that is
 * taken must be written so that it is read as the same fault again. */
#include "tools/vtoken/expect.h"
#include "tools/vtoken/fault.h"
#include "tools/vtoken/law.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 10
#define LINE_MAX_BYTES 1024

static int
split(char *line, char *words[WORDS_MAX])
{
	char *rest = NULL, *word;
	int count = 0;

	for (word = strtok_r(line, " \t", &rest); word && count < WORDS_MAX; word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	return count;
}

static void
check_fault(const struct fault *fault)
{
	char text[FAULT_TEXT], again[FAULT_TEXT], *words[WORDS_MAX];
	struct fault same;

	fault_text(fault, text);
	memcpy(again, text, sizeof again);
	if (fault_parse(&same, words, split(again, words)))
		abort();
	fault_text(&same, again);
	if (strcmp(text, again) || same.value != fault->value || same.moment != fault->moment || same.n != fault->n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[LINE_MAX_BYTES], *words[WORDS_MAX];
	const struct slot_status status = { .serial = "1", .commands = 1 };
	struct expectation expectation;
	struct fault fault;
	struct law *law;
	int count;

	if (size >= sizeof line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	law = law_new(line);
	if (law)
		law_draw_us(law, 1, "1", 1, KEY_RSA, 2048);
	law_free(&law);
	count = split(line, words);
	if (!fault_parse(&fault, words, count))
		check_fault(&fault);
	if (count >= 3 && !expect_parse(&expectation, words))
		expect_met(&expectation, &status);
	return 0;
}

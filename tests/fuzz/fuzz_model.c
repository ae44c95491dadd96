/* Model profiles: whatever the bytes, the reader refuses them or gives a model whose commands expand. */
#include "hostd/base/log.h"
#include "hostd/base/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	setenv("MINT_LOG", "none", 0); /* thousands of refusals a second, each with its log line */
	log_open("fuzz-model");
	return 0;
}

static void
expand_all(const struct model_commands *commands)
{
	for (size_t i = 0; i < commands->count; i++)
		for (char **argument = commands->list[i].arguments; *argument; argument++)
			free(model_expand(*argument, &(struct model_texts){ "label", "reader", "serial", "key", "45", "pkcs15" }));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model *model = NULL;

	if (model_parse("fuzz.conf", (const char *)data, size, &model) == 0) {
		expand_all(&model->initialise);
		expand_all(&model->erase);
		expand_all(&model->erase_half);
		expand_all(&model->unblock);
	}
	model_free(&model);
	return 0;
}

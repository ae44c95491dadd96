/* The configuration reader against any bytes: it may refuse, it may not crash, leak or read past an end. */
#include "hostd/base/config.h"
#include "hostd/base/log.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/dev/shm/fuzz-config-XXXXXX";
static int file;

static void
remove_file(void)
{
	unlink(path);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	file = mkstemp(path);
	atexit(remove_file);
	setenv("MINT_LOG", "none", 0); /* thousands of refusals a second, each with its log line */
	log_open("fuzz-config");
	return file < 0 ? -1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;

	if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	if (config_read(path, &config) == 0 && (!config->database || config->bay_count == 0))
		abort();
	config_free(&config);
	return 0;
}

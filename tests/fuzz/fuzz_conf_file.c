/* Any bytes as a configuration file: refused with a reason and a line of the file, or read so that both readers, ours and libconfuse,
 * have seen the same: whatever has a value has a line, and no value comes from elsewhere. */
#include "hostd/base/conf_file.h"
#include "schemas/errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char foreign[] = "from-the-environment";

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return setenv("E", foreign, 1);
}

static cfg_t *
new_reader(void)
{
	static const cfg_flag_t many = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
	static cfg_opt_t inner[] = { CFG_STR("s", NULL, CFGF_NODEFAULT), CFG_STR_LIST("l", NULL, CFGF_NODEFAULT), CFG_END() };
	static cfg_opt_t outer[] = {
		CFG_STR("s", NULL, CFGF_NODEFAULT), CFG_SEC("in", inner, many), CFG_SEC("one", inner, CFGF_NONE), CFG_END(),
	};
	cfg_opt_t options[] = {
		CFG_STR("s", NULL, CFGF_NODEFAULT), CFG_INT("i", 0, CFGF_NODEFAULT), CFG_STR_LIST("l", NULL, CFGF_NODEFAULT),
		CFG_FLOAT_LIST("f", NULL, CFGF_NODEFAULT), CFG_SEC("out", outer, many), CFG_END(),
	};

	return cfg_init(options, CFGF_NONE);
}

static void
check_texts(cfg_opt_t *option)
{
	for (unsigned i = 0; i < cfg_opt_size(option); i++)
		if (strstr(cfg_opt_getnstr(option, i), foreign))
			abort();
}

static void
check_section(const struct conf_file *file, cfg_t *section, unsigned least, unsigned lines)
{
	for (cfg_opt_t *option = section->opts; option->name; option++) {
		bool is_section = option->type == CFGT_SEC;
		unsigned line = conf_file_line(file, section, option->name);

		/* A section without a title is there in libconfuse's eyes always. */
		if (cfg_opt_size(option) > 0 && !(is_section && !(option->flags & CFGF_MULTI)) && (line < least || line == 0 || line > lines))
			abort();
		if (option->type == CFGT_STR)
			check_texts(option);
		for (unsigned i = 0; is_section && i < cfg_opt_size(option); i++) {
			cfg_t *inner = cfg_opt_getnsec(option, i);
			unsigned begins = conf_file_line(file, inner, NULL);

			if ((option->flags & CFGF_MULTI) && (begins < least || begins == 0))
				abort();
			check_section(file, inner, begins, lines);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_file *file = conf_file_new("f");
	cfg_t *cfg = new_reader();
	unsigned lines = 1, at = 0;
	char why[512];
	int r;

	if (!file || !cfg)
		abort();
	if (memmem(data, size, foreign, strlen(foreign))) /* the fuzzer looks at what we compare with */
		goto out;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	r = conf_file_take(file, (const char *)data, size);
	if (r == 0)
		r = conf_file_parse(file, cfg);
	conf_file_why(file, "mend it", why, sizeof why);
	if ((r != 0) != (why[0] != '\0') || (r != 0 && r != MINT_CONFIG))
		abort();
	if (r != 0 && why[1] == ':' && why[2] != ' ' && ((at = (unsigned)strtoul(why + 2, NULL, 10)) == 0 || at > lines))
		abort();
	if (r == 0)
		check_section(file, cfg, 0, lines);
out:
	cfg_free(cfg);
	conf_file_free(&file);
	return 0;
}

#include "tools/pinoffice/options.h"
#include "tools/pinoffice/fault.h"

#include <string.h>

static const struct {
	const char *name, *value; /* value NULL: a flag */
	const char *summary[2];
} list[OPTION_COUNT] = {
	[OPTION_KEY] = { "key", "FILE", { "the office's private key, PEM; asks for its passphrase", "口令管理方私钥（PEM），有密码短语时会询问" } },
	[OPTION_CERTIFICATE] = { "certificate", "FILE", { "its certificate: tells whose an envelope is that does not open", "对应证书：可判明打不开的信封属于谁" } },
	[OPTION_PASSPHRASE_FILE] = { "passphrase-file", "FILE", { "the passphrase is its first line; nobody is asked", "密码短语取自文件首行，不再询问" } },
	[OPTION_LETTERS] = { "letters", "DIR", { "write a PIN letter for each token, readable by you alone", "为每支介质生成口令函，仅本人可读" } },
	[OPTION_TEMPLATE] = { "template", "FILE", { "the letter's text with {names}", "口令函模板" } },
	[OPTION_SHOW] = { "show", NULL, { "print the codes; without it they are only named", "显示口令；否则仅列出名称" } },
	[OPTION_JSON] = { "json", NULL, { "answer as JSON, faults too", "以 JSON 输出，错误亦然" } },
	[OPTION_LANG] = { "lang", "en|zh", { "language; else LC_ALL, LC_MESSAGES, LANG", "语言；默认取 LC_ALL、LC_MESSAGES、LANG" } },
	[OPTION_HELP] = { "help", NULL, { "print this", "显示帮助" } },
	[OPTION_VERSION] = { "version", NULL, { "print the release", "显示版本" } },
};

static int
option_by_name(const char *name, size_t length)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(list[i].name) == length && memcmp(list[i].name, name, length) == 0)
			return i;
	return -1;
}

/* --name, --name=value or --name value; *index moves on when the value is the next word. */
static int
parse_option(int argc, char **argv, int *index, struct options *options)
{
	const char *word = argv[*index] + 2, *equals = strchr(word, '=');
	int option = option_by_name(word, equals ? (size_t)(equals - word) : strlen(word));

	if (option < 0 || options->values[option] || (!list[option].value && equals))
		return -1;
	if (!list[option].value)
		options->values[option] = "";
	else if (equals)
		options->values[option] = equals + 1;
	else if (*index + 1 < argc)
		options->values[option] = argv[++*index];
	else
		return -1;
	return 0;
}

/* What must be there for a run. */
static const char *
find_missing(const struct options *options, int opens)
{
	if (options->values[OPTION_HELP] || options->values[OPTION_VERSION])
		return NULL;
	if (!opens)
		return "open";
	if (!options->values[OPTION_KEY])
		return "--key";
	return options->argument_count > 0 ? NULL : "FILE|DIR";
}

int
options_parse(int argc, char **argv, struct options *options, const char **word)
{
	int opens = 0, only_arguments = 0;

	*options = (struct options){ .arguments = argv };
	for (int i = 1; i < argc; i++) {
		*word = argv[i];
		if (!only_arguments && strcmp(argv[i], "--") == 0)
			only_arguments = 1;
		else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
			if (parse_option(argc, argv, &i, options) != 0)
				return -1;
		} else if (opens)
			argv[options->argument_count++] = argv[i];
		else if (strcmp(argv[i], "open") == 0)
			opens = 1;
		else if (strcmp(argv[i], "help") == 0)
			options->values[OPTION_HELP] = "";
		else
			return -1;
	}
	*word = find_missing(options, opens);
	return *word != NULL;
}

void
options_help(FILE *out)
{
	int chinese = fault_say("", "zh")[0] != '\0';

	fprintf(out, "%s mint-pins open --key FILE [%s] FILE|DIR…\n%s\n\n", fault_say("usage:", "用法："), fault_say("options", "选项"),
	    fault_say("Opens the envelopes that `mintctl pins export` wrote for the PIN office.", "打开 mintctl pins export 为口令管理方导出的信封。"));
	for (int i = 0; i < OPTION_COUNT; i++) {
		char text[64];

		snprintf(text, sizeof text, "--%s%s%s", list[i].name, list[i].value ? " " : "", list[i].value ? list[i].value : "");
		fprintf(out, "  %-24s  %s\n", text, list[i].summary[chinese]);
	}
}

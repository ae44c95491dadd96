/* mint-pins: the PIN office's opener. Opens envelopes with the office's key, tells which codes of a token are the latest, writes PIN letters.
 *
 * Trusted with everything that the bench is not: the office's key, and through it the codes of every token. So it runs on the office's own
 * machine, not on a bench, speaks with nobody, writes codes only where it was told to (--show, --letters), and wipes what held them.
 */
#include "hostd/base/release.h"
#include "tools/pinoffice/book.h"
#include "tools/pinoffice/options.h"
#include "tools/pinoffice/print.h"
#include "tools/pinoffice/secret.h"
#include "tools/pinoffice/work.h"

#include <stdio.h>
#include <string.h>

/* --lang and --json must be known before the first word is said, errors about other options included. */
static const char *
wanted(int argc, char **argv, const char *option)
{
	size_t length = strlen(option);

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], option, length) == 0)
			return argv[i][length] == '=' ? argv[i] + length + 1 : argv[i][length] == '\0' && i + 1 < argc ? argv[i + 1] : "";
	return NULL;
}

static void
print(const struct options *options, const struct book *book, struct faults *faults)
{
	int show = options->values[OPTION_SHOW] != NULL;
	int r = faults_collects(faults) ? print_json(book, faults, show) : print_table(book, show);

	if (r != 0)
		fault_tell(faults, FAULT_unwritable, fault_say("standard output", "标准输出"), NULL);
}

static void
run(const struct options *options, struct book *book, struct faults *faults)
{
	const struct key_source source = { options->values[OPTION_KEY], options->values[OPTION_CERTIFICATE],
		options->values[OPTION_PASSPHRASE_FILE] };
	struct office_key key;
	struct work *work;

	if (office_key_open(&source, &key, faults) != 0)
		return;
	work = work_new(&key, book, faults);
	for (int i = 0; work && i < options->argument_count; i++)
		work_open(work, options->arguments[i]);
	if (work)
		work_check(work);
	else
		fault_tell(faults, FAULT_memory, "open", NULL);
	work_free(&work);
	office_key_close(&key);
	if (options->values[OPTION_LETTERS])
		work_letters(book, options->values[OPTION_LETTERS], options->values[OPTION_TEMPLATE], faults);
	if (!faults_collects(faults))
		print(options, book, faults);
}

int
main(int argc, char **argv)
{
	int json = wanted(argc, argv, "--json") != NULL, status, r;
	struct faults *faults;
	struct book *book;
	struct options options;
	const char *word;

	if (secret_begin() != 0)
		return 71;
	fault_language(wanted(argc, argv, "--lang"));
	faults = faults_new(json);
	book = book_new();
	if (!faults || !book)
		return 71;
	r = options_parse(argc, argv, &options, &word);
	if (r != 0)
		fault_tell(faults, r > 0 ? FAULT_missing : FAULT_usage, word, NULL);
	else if (options.values[OPTION_VERSION])
		puts("mint-pins " MINT_RELEASE);
	else if (options.values[OPTION_HELP])
		options_help(stdout);
	else
		run(&options, book, faults);
	if (json && !options.values[OPTION_HELP] && !options.values[OPTION_VERSION])
		print(&options, book, faults);
	status = faults_exit_status(faults);
	book_free(&book);
	faults_free(&faults);
	return status;
}

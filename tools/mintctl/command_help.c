/* --help and the completion, from the table of commands. */
#include "tools/mintctl/command_table.h"
#include "tools/mintctl/screen.h"

#include <string.h>

/* --- help */

/* What an order says of its own argument says more than the option's general words. */
static const char *
option_summary(const struct command *command, int option)
{
	const struct order_argument *a = command && command_gives_order(command) ? order_argument_next(command_verb(command), NULL) : NULL;

	while (a && (order_option(a) != option || option == OPTION_WHY || option == OPTION_SO_PIN_FILE))
		a = order_argument_next(command_verb(command), a);
	return a ? a->text[screen_language()] : option_rows[option].summary[screen_language()];
}

static void
print_options(const struct command *command, unsigned bits, FILE *out)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		char text[64];

		if (!(bits & 1u << i))
			continue;
		snprintf(text, sizeof text, "--%s%s%s", option_rows[i].name, option_rows[i].value ? " " : "", option_rows[i].value ? option_rows[i].value : "");
		fputs("  ", out);
		text_pad(out, text, 28);
		fprintf(out, "%s\n", option_summary(command, i));
	}
}

/* Those of a group, all when NULL. */
static void
print_commands(const char *group, FILE *out)
{
	for (size_t i = 0; command_at(i); i++) {
		char arguments[128], text[160];

		if (group && !command_is_in_group(command_at(i)->name, group))
			continue;
		command_arguments(command_at(i), arguments, sizeof arguments);
		snprintf(text, sizeof text, "%s %s", command_at(i)->name, arguments);
		fputs("  ", out);
		text_pad(out, text, 36);
		fprintf(out, "%s\n", command_at(i)->summary[screen_language()]);
	}
}

static void
print_exits(FILE *out)
{
	fprintf(out, "\n%s\n  0   %s\n  64  %s\n  65  %s\n  69  %s\n  75  %s\n  77  %s\n%s\n", say("Exit status:", "退出码："),
	    say("done", "完成"), say("wrong usage", "用法错误"), say("data refused", "数据被拒绝"),
	    say("something is missing or waits for a person", "缺少对象或等待人工处理"), say("try again", "请重试"),
	    say("not allowed now", "当前不允许"),
	    say("Others as in sysexits.h; each message's is in docs/operators.md.", "其余同 sysexits.h，各提示的退出码见 docs/operators.md。"));
}

void
command_help(const struct command *command, FILE *out)
{
	char arguments[128];

	if (!command) {
		fprintf(out, "%s mintctl %s\n%s\n\n%s\n", say("usage:", "用法："), say("COMMAND [arguments] [options]", "命令 [参数] [选项]"),
		    say("Sees and steers a Mintbench.", "查看和操作 Mintbench 制证工作站。"), say("Commands:", "命令："));
		print_commands(NULL, out);
		fprintf(out, "\n%s\n", say("Options of every command:", "通用选项："));
		print_options(NULL, OPTIONS_COMMON, out);
		print_exits(out);
		return;
	}
	command_arguments(command, arguments, sizeof arguments);
	fprintf(out, "%s mintctl %s%s%s", say("usage:", "用法："), command->name, *arguments ? " " : "", arguments);
	for (const struct order_argument *a = order_argument_next(command_verb(command), NULL); a; a = order_argument_next(command_verb(command), a))
		if (a->required && order_option(a) >= 0)
			fprintf(out, " --%s %s", option_rows[order_option(a)].name, option_rows[order_option(a)].value);
	fprintf(out, " [%s]\n%s\n\n", say("options", "选项"), command->summary[screen_language()]);
	print_options(command, command_options(command), out);
}

void
command_group_help(const char *group, FILE *out)
{
	fprintf(out, "%s mintctl %s %s\n\n%s\n", say("usage:", "用法："), group, say("COMMAND [arguments] [options]", "命令 [参数] [选项]"),
	    say("Commands:", "命令："));
	print_commands(group, out);
}

/* --- completion */

static void
print_first_words(FILE *out)
{
	for (size_t i = 0; command_at(i); i++) {
		size_t length = strcspn(command_at(i)->name, " ");

		if (command_is_first(i, length))
			fprintf(out, "%.*s ", (int)length, command_at(i)->name);
	}
}

/* Each group of words once. */
static void
for_each_group(void (*print)(const char *group, FILE *out), FILE *out)
{
	char group[GROUP_BYTES];

	for (size_t i = 0; command_at(i); i++)
		for (const char *at = strchr(command_at(i)->name, ' '); at; at = strchr(at + 1, ' ')) {
			snprintf(group, sizeof group, "%.*s", (int)(at - command_at(i)->name), command_at(i)->name);
			if (command_is_first(i, strlen(group)))
				print(group, out);
		}
}

static void
print_group_goes_on(const char *group, FILE *out)
{
	fprintf(out, "\t\t\t'%s') ;;\n", group);
}

static void
print_group_words(const char *group, FILE *out)
{
	fprintf(out, "\t'%s') COMPREPLY=($(compgen -W \"", group);
	command_next_words(group, " ", out);
	fputs(" --help\" -- \"$word\")) ;;\n", out);
}

void
command_completion(FILE *out)
{
	fputs("_mintctl() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} command=\n\tlocal i\n"
	      "\tfor (( i = 1; i < COMP_CWORD; i++ )); do\n\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t--socket|--config|--lang|--model|--profile|--keys|--again) (( i++ )) ;;\n\t\t-*) ;;\n\t\t*) command+=${command:+ }${COMP_WORDS[i]}\n"
	      "\t\t\tcase $command in\n", out);
	for_each_group(print_group_goes_on, out);
	fputs("\t\t\t*) break ;;\n\t\t\tesac ;;\n\t\tesac\n\tdone\n"
	      "\tcase $command in\n\t'') COMPREPLY=($(compgen -W \"", out);
	print_first_words(out);
	fputs("--help --json --lang --socket --config\" -- \"$word\")) ;;\n", out);
	for_each_group(print_group_words, out);
	for (size_t i = 0; command_at(i); i++) {
		unsigned bits = command_options(command_at(i));

		fprintf(out, "\t'%s') COMPREPLY=($(compgen %s-W \"", command_at(i)->name, command_at(i)->run == run_import ? "-f " : "");
		for (int k = 0; k < OPTION_COUNT; k++)
			if (bits & 1u << k)
				fprintf(out, "--%s ", option_rows[k].name);
		fputs("\" -- \"$word\")) ;;\n", out);
	}
	fputs("\tesac\n}\ncomplete -o default -F _mintctl mintctl\n", out);
}

int
run_completion(struct run *run)
{
	(void)run;
	command_completion(stdout);
	return 0;
}

#include "tools/mintctl/command.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/screen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *value;   /* NULL for a flag */
	const char *summary[2];
} options[OPTION_COUNT] = {
	[OPTION_AGAIN] = { "again", "DIR", { "a token that an earlier trial left: its directory has the codes", "继续处理上次试制遗留的介质：该目录存有其口令" } },
	[OPTION_CERTIFICATE_SIZE] = { "certificate-size", NULL, { "find the longest certificate that fits", "测定可写入的最长证书" } },
	[OPTION_EVERY_SO_PIN] = { "every-so-pin", NULL, { "try each SO-PIN that the token may have, though it does not tell how many tries are left", "介质未告知 SO-PIN 剩余次数时，仍逐一尝试其可能的 SO-PIN" } },
	[OPTION_KEEP] = { "keep", NULL, { "leave the token as it is at the end, do not erase it", "结束后保留介质现状，不擦除" } },
	[OPTION_KEYS] = { "keys", "TYPE,…", { "only these key types of the profile", "仅试这些密钥类型" } },
	[OPTION_MODEL] = { "model", "NAME", { "this profile of the configuration's `models`", "使用配置 models 目录中的该型号" } },
	[OPTION_PROFILE] = { "profile", "FILE", { "this profile, wherever it lies", "使用该型号文件" } },
	[OPTION_AFTER] = { "after", "N", { "what comes behind this number", "起始编号" } },
	[OPTION_AS] = { "as", "CHOICE", { "what is decided", "处理方式" } },
	[OPTION_FOLLOW] = { "follow", NULL, { "go on as things happen, until Ctrl-C", "持续输出，按 Ctrl-C 结束" } },
	[OPTION_LATE] = { "late", NULL, { "only what is past its deadline", "仅逾期" } },
	[OPTION_LIMIT] = { "limit", "N", { "at most so many rows (everything unless said)", "最多行数（默认全部）" } },
	[OPTION_OUT] = { "out", "DIR", { "directory, made if it is not there", "输出目录，不存在则创建" } },
	[OPTION_REFERENCE] = { "reference", "PREFIX", { "only references that begin so", "申请号前缀" } },
	[OPTION_SINCE] = { "since", "MICROSECONDS", { "only work begun at this UTC microsecond or later", "起始时间（UTC 微秒）" } },
	[OPTION_SO_PIN_FILE] = { "so-pin-file", "FILE", { "the token's SO-PIN, the first line of FILE (- for standard input)", "介质管理员口令，取文件首行（- 为标准输入）" } },
	[OPTION_STATE] = { "state", "STATE", { "only this state, by its name or as the list shows it; parked, sealed … list credentials", "按状态，可用名称或列表中的显示文字；parked、sealed 等列出证书" } },
	[OPTION_TIMEOUT] = { "timeout", "SECONDS", { "give up after so long", "超时秒数" } },
	[OPTION_UNTIL_IDLE] = { "until-idle", NULL, { "end when all that can be issued is issued; status 0 only then", "全部可发证申请完成后结束；仅此时返回 0" } },
	[OPTION_URGENT] = { "urgent", NULL, { "only urgent ones", "仅加急" } },
	[OPTION_WHY] = { "why", "TEXT", { "the reason, kept on record", "原因，将被记录" } },
	[OPTION_CONFIG] = { "config", "FILE", { "the bench's configuration; also $MINT_CONFIG", "工作站配置文件；或 $MINT_CONFIG" } },
	[OPTION_HELP] = { "help", NULL, { "print this", "显示帮助" } },
	[OPTION_JSON] = { "json", NULL, { "answer as JSON, errors too", "以 JSON 输出，错误亦然" } },
	[OPTION_LANG] = { "lang", "en|zh", { "language; else LC_ALL, LC_MESSAGES, LANG", "语言；默认取 LC_ALL、LC_MESSAGES、LANG" } },
	[OPTION_SOCKET] = { "socket", "PATH", { "socket of mint-api; also $MINT_SOCKET, else the configuration's", "mint-api 套接字；或 $MINT_SOCKET，或取自配置" } },
};

#define BIT(option) (1u << OPTION_##option)
#define COMMON (BIT(CONFIG) | BIT(HELP) | BIT(JSON) | BIT(LANG) | BIT(SOCKET))

/* The orders of schemas/commands.def: the object is the first argument, `tokens` are the further ones, the rest are options. */
static const struct order_argument order_arguments[] = {
#define COMMAND(...)
#define ARGUMENT(verb, name, required, en, zh) { #verb, #name, required, { en, zh } },
#include "schemas/commands.def"
#undef ARGUMENT
#undef COMMAND
};

/* What is ordered about a token stands with the other commands of tokens. */
#define NAME_application(verb) #verb
#define NAME_credential(verb) #verb
#define NAME_bay(verb) #verb
#define NAME_token(verb) "token " #verb

static const struct command commands[] = {
	{ "status", "", 0, 0, PLACE_CLIENT, 0, { "the bench at a glance", "总览" }, run_status },
	{ "import", "FILE", 1, 1, PLACE_CLIENT, 0, { "applications from FILE (- for standard input): an array, or one object a line", "导入申请文件（- 为标准输入）" }, run_import },
	{ "list", "", 0, 0, PLACE_CLIENT, BIT(STATE) | BIT(URGENT) | BIT(LATE) | BIT(REFERENCE) | BIT(LIMIT), { "applications, or credentials of a state", "列出申请或某状态的证书" }, run_list },
	{ "show", "REFERENCE|CREDENTIAL|SERIAL", 1, 1, PLACE_CLIENT, 0, { "one application, credential (with its evidence) or token", "查看申请、证书（含凭据）或介质" }, run_show },
	{ "bays", "", 0, 0, PLACE_CLIENT, 0, { "what each bay shows and does", "工位" }, run_bays },
	{ "watch", "", 0, 0, PLACE_CLIENT, BIT(UNTIL_IDLE) | BIT(TIMEOUT), { "live progress; plain lines when piped", "实时进度" }, run_watch },
	{ "token list", "", 0, 0, PLACE_CLIENT, BIT(STATE) | BIT(LIMIT), { "tokens, or those of a state", "列出介质或某状态的介质" }, run_token_list },
	{ "token model check", "FILE…", 1, -1, PLACE_OFFLINE, 0, { "is a token model's profile right, and does it go with the others", "检查介质型号文件" }, run_token_model_check },
	{ "token try", "BAY|READER|MODULE[#SLOT]", 1, 1, PLACE_OFFLINE, BIT(MODEL) | BIT(PROFILE) | BIT(KEYS) | BIT(KEEP) | BIT(AGAIN) | BIT(EVERY_SO_PIN) | BIT(CERTIFICATE_SIZE), { "a whole life on a blank token: does its profile work, what belongs into it", "用空白介质试走全流程，给出型号文件内容" }, run_token_try },
	{ "token show", "token", 1, 1, PLACE_CLIENT, 0, { "a token: its state, whom it served, what may be ordered about it", "查看介质：状态、用途及可下命令" }, run_token_show },
#define COMMAND(verb, object, en, zh) { NAME_##object(verb), #object, 1, 1, PLACE_CLIENT, 0, { en, zh }, run_order },
#define ARGUMENT(...)
#include "schemas/commands.def"
#undef ARGUMENT
#undef COMMAND
	{ "events", "", 0, 0, PLACE_CLIENT, BIT(AFTER) | BIT(FOLLOW) | BIT(LIMIT), { "what happened", "事件" }, run_events },
	{ "summary", "", 0, 0, PLACE_CLIENT, BIT(SINCE), { "numbers of a run", "运行统计" }, run_summary },
	{ "certs", "", 0, 0, PLACE_CLIENT, BIT(OUT), { "every live certificate as a PEM file named after its credential", "导出全部有效证书（PEM）" }, run_certs },
	{ "pins list", "", 0, 0, PLACE_CLIENT, BIT(AFTER) | BIT(LIMIT) | BIT(REFERENCE), { "the PIN office's envelopes: tokens whose final codes are set", "口令信封：已设置最终口令的介质" }, run_pins_list },
	{ "pins export", "", 0, 0, PLACE_CLIENT, BIT(AFTER) | BIT(OUT) | BIT(REFERENCE), { "the envelopes as files for the PIN office, and a list of them", "导出口令信封文件及清单，交口令管理方" }, run_pins_export },
	{ "ca", "…", 0, -1, PLACE_VERBATIM, 0, { "the embedded CA, offline: `mintctl ca help`", "内置 CA（离线）：mintctl ca help" }, run_ca },
	{ "backup", "DIR", 1, 1, PLACE_OFFLINE, 0, { "record and CA into the new directory DIR, also while the bench runs; read again before it counts", "将数据库和 CA 备份到新目录 DIR（可在运行时进行），写后核验" }, run_backup },
	{ "restore", "DIR", 1, 1, PLACE_OFFLINE, 0, { "a backup in the place of a lost or damaged record; mintd must not run; old files are kept", "用备份恢复丢失或损坏的数据库；须先停止 mintd；保留旧文件" }, run_restore },
	{ "doctor", "", 0, 0, PLACE_OFFLINE, 0, { "what is wrong with this bench and what to do", "检查工作站并给出处理办法" }, run_doctor },
	{ "completion", "", 0, 0, PLACE_OFFLINE, 0, { "a completion script for bash: source <(mintctl completion)", "bash 补全脚本" }, run_completion },
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

const struct command *
command_at(size_t index)
{
	return index < COMMAND_COUNT ? &commands[index] : NULL;
}

const struct command *
command_by_name(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Where the word behind a name's first begins; NULL for a name of one word. */
static const char *
second_word(const char *name)
{
	const char *blank = strchr(name, ' ');

	return blank ? blank + 1 : NULL;
}

/* 1 when the words of `group` are the first of a longer name. */
static int
is_in_group(const char *name, const char *group)
{
	size_t length = strlen(group);

	return strncmp(name, group, length) == 0 && name[length] == ' ';
}

static int
is_group(const char *words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (is_in_group(commands[i].name, words))
			return 1;
	return 0;
}

/* 1 when no row before `index` begins with the same `length` bytes of whole words. */
static int
is_first_of(size_t index, size_t length)
{
	for (size_t i = 0; i < index; i++)
		if (strncmp(commands[i].name, commands[index].name, length) == 0 && strchr(" ", commands[i].name[length]))
			return 0;
	return 1;
}

/* The words that may follow a group's, each once, with `between` them. */
static void
print_next_words(const char *group, const char *between, FILE *out)
{
	size_t length = strlen(group);
	const char *before = "";

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t word = is_in_group(commands[i].name, group) ? strcspn(commands[i].name + length + 1, " ") : 0;

		if (!word || !is_first_of(i, length + 1 + word))
			continue;
		fprintf(out, "%s%.*s", before, (int)word, commands[i].name + length + 1);
		before = between;
	}
}

const char *
command_verb(const struct command *command)
{
	const char *second = second_word(command->name);

	return second ? second : command->name;
}

const struct command *
command_by_verb(const char *verb)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].run == run_order && strcmp(command_verb(&commands[i]), verb) == 0)
			return &commands[i];
	return NULL;
}

int
command_words(const char *name, char *const *words, int count)
{
	int used = 0;

	while (*name) {
		size_t length = strcspn(name, " ");

		if (used == count || strlen(words[used]) != length || memcmp(words[used], name, length) != 0)
			return 0;
		used++;
		name += length + (name[length] == ' ');
	}
	return used;
}

/* The row that takes most of the leading words; *used says how many. NULL, and 0, without one. */
static const struct command *
command_by_words(char *const *words, int count, int *used)
{
	const struct command *found = NULL;

	*used = 0;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		int n = command_words(commands[i].name, words, count);

		if (n > *used) {
			found = &commands[i];
			*used = n;
		}
	}
	return found;
}

const struct order_argument *
order_argument_next(const char *verb, const struct order_argument *before)
{
	for (size_t i = before ? (size_t)(before - order_arguments) + 1 : 0; i < sizeof order_arguments / sizeof order_arguments[0]; i++)
		if (strcmp(order_arguments[i].verb, verb) == 0)
			return &order_arguments[i];
	return NULL;
}

static int
option_by_name(const char *name, size_t length)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
			return i;
	return -1;
}

int
order_option(const struct order_argument *argument)
{
	if (strcmp(argument->name, "so_pin") == 0)
		return OPTION_SO_PIN_FILE; /* never a word of the command line: other users read those */
	return option_by_name(argument->name, strlen(argument->name));
}

static unsigned
options_of(const struct command *command)
{
	unsigned bits = COMMON | (command ? command->options : 0);

	if (command && command->run == run_order)
		for (const struct order_argument *a = order_argument_next(command_verb(command), NULL); a; a = order_argument_next(command_verb(command), a))
			if (order_option(a) >= 0)
				bits |= 1u << order_option(a);
	return bits;
}

/* An order with an argument that is no option takes it as further positional arguments. */
static const struct order_argument *
list_argument(const struct command *command)
{
	const struct order_argument *a = command->run == run_order ? order_argument_next(command_verb(command), NULL) : NULL;

	while (a && order_option(a) >= 0)
		a = order_argument_next(command_verb(command), a);
	return a;
}

static int
least_of(const struct command *command)
{
	const struct order_argument *list = list_argument(command);

	return command->least + (list && list->required);
}

static int
most_of(const struct command *command)
{
	return list_argument(command) ? -1 : command->most;
}

static void
arguments_text(const struct command *command, char *text, size_t text_bytes)
{
	static const struct {
		const char *object, *text[2];
	} objects[] = { { "application", { "REFERENCE", "申请号" } }, { "credential", { "CREDENTIAL", "证书号" } },
		{ "token", { "SERIAL|MARKER", "序列号|标签号" } }, { "bay", { "BAY", "工位" } }, { "FILE", { "FILE", "文件" } },
		{ "DIR", { "DIR", "目录" } },
		{ "FILE…", { "FILE…", "文件…" } }, { "BAY|READER|MODULE[#SLOT]", { "BAY|READER|MODULE[#SLOT]", "工位|读卡器|模块[#插槽]" } },
		{ "REFERENCE|CREDENTIAL|SERIAL", { "REFERENCE|CREDENTIAL|SERIAL", "申请号|证书号|序列号" } } };
	const char *first = command->arguments;

	for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
		if (strcmp(objects[i].object, command->arguments) == 0)
			first = objects[i].text[screen_language()];
	snprintf(text, text_bytes, "%s%s", first, !list_argument(command) ? "" : say(" SERIAL…", " 序列号…"));
}

/* --- parsing */

static int fault_is(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4)));

static int
fault_is(char *fault, size_t fault_bytes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault, fault_bytes, format, arguments);
	va_end(arguments);
	return MINT_ARGUMENT;
}

/* One --name, --name=value or --name value. *index moves on when the value is the next word. */
static int
parse_option(int argc, char **argv, int *index, struct run *run, char *fault, size_t fault_bytes)
{
	const char *word = argv[*index] + 2, *equals = strchr(word, '=');
	int option = option_by_name(word, equals ? (size_t)(equals - word) : strlen(word));

	if (option < 0)
		return fault_is(fault, fault_bytes, "%s: %s", argv[*index], say("not an option", "没有此选项"));
	if (run->options[option])
		return fault_is(fault, fault_bytes, "--%s: %s", options[option].name, say("given twice", "重复给出"));
	if (!options[option].value && equals)
		return fault_is(fault, fault_bytes, "--%s: %s", options[option].name, say("takes no value", "不带参数值"));
	if (!options[option].value)
		run->options[option] = "";
	else if (equals)
		run->options[option] = equals + 1;
	else if (*index + 1 < argc)
		run->options[option] = argv[++*index];
	else
		return fault_is(fault, fault_bytes, "--%s: %s %s", options[option].name, say("needs a value:", "需要参数值："), options[option].value);
	return 0;
}

static int
check_options(const struct run *run, char *fault, size_t fault_bytes)
{
	unsigned allowed = options_of(run->command);

	for (int i = 0; i < OPTION_COUNT; i++)
		if (run->options[i] && !(allowed & 1u << i))
			return fault_is(fault, fault_bytes, "--%s: %s %s", options[i].name, say("not an option of", "不适用于"),
			    run->command ? run->command->name : "mintctl");
	return 0;
}

static int
check_arguments(const struct run *run, char *fault, size_t fault_bytes)
{
	const struct command *command = run->command;
	char text[128];

	arguments_text(command, text, sizeof text);
	if (run->argument_count < least_of(command))
		return fault_is(fault, fault_bytes, "%s: %s %s", command->name, say("needs", "需要"), text);
	if (most_of(command) >= 0 && run->argument_count > most_of(command))
		return fault_is(fault, fault_bytes, "%s: %s", run->arguments[most_of(command)], say("one argument too many", "多余的参数"));
	if (command->run != run_order)
		return 0;
	for (const struct order_argument *a = order_argument_next(command_verb(command), NULL); a; a = order_argument_next(command_verb(command), a))
		if (a->required && order_option(a) >= 0 && !run->options[order_option(a)])
			return fault_is(fault, fault_bytes, "%s: --%s %s %s", command->name, a->name, say("is needed:", "为必填："), a->text[screen_language()]);
	return 0;
}

/* A word behind those of a group: one more of a group, or the last of a command. */
static int
take_in_group(const char *word, struct run *run, char *fault, size_t fault_bytes)
{
	size_t used = strlen(run->group);

	snprintf(run->group + used, sizeof run->group - used, " %s", word);
	run->command = command_by_name(run->group);
	if (!run->command && !is_group(run->group))
		return fault_is(fault, fault_bytes, "%s: %s", run->group, say("not a command", "没有此命令"));
	if (run->command)
		run->group[0] = '\0';
	return 0;
}

/* The words at *index as a command, a group, or `help`. *index moves to the last word taken. */
static int
take_command(int argc, char **argv, int *index, struct run *run, char *fault, size_t fault_bytes)
{
	const char *word = argv[*index];
	int used;

	if (run->group[0])
		return take_in_group(word, run, fault, fault_bytes);
	run->command = command_by_words(argv + *index, argc - *index, &used);
	if (run->command)
		*index += used - 1;
	else if (is_group(word))
		snprintf(run->group, sizeof run->group, "%s", word);
	else if (strcmp(word, "help") == 0)
		run->options[OPTION_HELP] = ""; /* `help`, `help COMMAND` */
	else
		return fault_is(fault, fault_bytes, "%s: %s", word, say("not a command", "没有此命令"));
	return 0;
}

/* A group alone can only be asked for help. */
static int
check_group(const struct run *run, char *fault, size_t fault_bytes)
{
	char *next = NULL;
	size_t length;
	FILE *out;

	if (!run->group[0] || run->options[OPTION_HELP])
		return 0;
	out = open_memstream(&next, &length);
	if (!out)
		return MINT_MEMORY;
	print_next_words(run->group, "|", out);
	fclose(out);
	fault_is(fault, fault_bytes, "%s: %s %s", run->group, say("needs", "需要"), next);
	free(next);
	return MINT_ARGUMENT;
}

int
command_parse(int argc, char **argv, struct run *run, char *fault, size_t fault_bytes)
{
	int r = 0, only_arguments = 0;

	run->arguments = argv; /* positional ones move to the front, behind nothing that is still to be read */
	for (int i = 1; i < argc && r == 0; i++) {
		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = 1;
		} else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
			r = parse_option(argc, argv, &i, run, fault, fault_bytes);
		} else if (run->command) {
			argv[run->argument_count++] = argv[i];
		} else {
			r = take_command(argc, argv, &i, run, fault, fault_bytes);
			if (run->command && run->command->place == PLACE_VERBATIM) {
				run->arguments = argv + i + 1;
				run->argument_count = argc - i - 1;
				return 0;
			}
		}
	}
	run->json |= run->options[OPTION_JSON] != NULL; /* asked for is asked for, also where the line is wrong behind it */
	if (r == 0)
		r = check_options(run, fault, fault_bytes);
	if (r == 0)
		r = check_group(run, fault, fault_bytes);
	if (r == 0 && !run->command)
		run->options[OPTION_HELP] = "";
	if (r == 0 && !run->options[OPTION_HELP])
		r = check_arguments(run, fault, fault_bytes);
	return r;
}

/* --- help */

/* What an order says of its own argument says more than the option's general words. */
static const char *
option_summary(const struct command *command, int option)
{
	const struct order_argument *a = command && command->run == run_order ? order_argument_next(command_verb(command), NULL) : NULL;

	while (a && (order_option(a) != option || option == OPTION_WHY || option == OPTION_SO_PIN_FILE))
		a = order_argument_next(command_verb(command), a);
	return a ? a->text[screen_language()] : options[option].summary[screen_language()];
}

static void
print_options(const struct command *command, unsigned bits, FILE *out)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		char text[64];

		if (!(bits & 1u << i))
			continue;
		snprintf(text, sizeof text, "--%s%s%s", options[i].name, options[i].value ? " " : "", options[i].value ? options[i].value : "");
		fputs("  ", out);
		text_pad(out, text, 28);
		fprintf(out, "%s\n", option_summary(command, i));
	}
}

/* Those of a group, all when NULL. */
static void
print_commands(const char *group, FILE *out)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		char arguments[128], text[160];

		if (group && !is_in_group(commands[i].name, group))
			continue;
		arguments_text(&commands[i], arguments, sizeof arguments);
		snprintf(text, sizeof text, "%s %s", commands[i].name, arguments);
		fputs("  ", out);
		text_pad(out, text, 36);
		fprintf(out, "%s\n", commands[i].summary[screen_language()]);
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
		print_options(NULL, COMMON, out);
		print_exits(out);
		return;
	}
	arguments_text(command, arguments, sizeof arguments);
	fprintf(out, "%s mintctl %s%s%s", say("usage:", "用法："), command->name, *arguments ? " " : "", arguments);
	for (const struct order_argument *a = order_argument_next(command_verb(command), NULL); a; a = order_argument_next(command_verb(command), a))
		if (a->required && order_option(a) >= 0)
			fprintf(out, " --%s %s", options[order_option(a)].name, options[order_option(a)].value);
	fprintf(out, " [%s]\n%s\n\n", say("options", "选项"), command->summary[screen_language()]);
	print_options(command, options_of(command), out);
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
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t length = strcspn(commands[i].name, " ");

		if (is_first_of(i, length))
			fprintf(out, "%.*s ", (int)length, commands[i].name);
	}
}

/* Each group of words once. */
static void
for_each_group(void (*print)(const char *group, FILE *out), FILE *out)
{
	char group[GROUP_BYTES];

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		for (const char *at = strchr(commands[i].name, ' '); at; at = strchr(at + 1, ' ')) {
			snprintf(group, sizeof group, "%.*s", (int)(at - commands[i].name), commands[i].name);
			if (is_first_of(i, strlen(group)))
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
	print_next_words(group, " ", out);
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
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		unsigned bits = options_of(&commands[i]);

		fprintf(out, "\t'%s') COMPREPLY=($(compgen %s-W \"", commands[i].name, commands[i].run == run_import ? "-f " : "");
		for (int k = 0; k < OPTION_COUNT; k++)
			if (bits & 1u << k)
				fprintf(out, "--%s ", options[k].name);
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

/* --- answers */

int
command_print_json(const struct run *run, json_t *answer)
{
	if (!run->json)
		return 0;
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	return 1;
}

static const char *
pair_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, name), say("en", "zh")));

	return text ? text : "";
}

/* What of it: a sentence, or the members by which mint-queue names the object at fault and why. */
static char *
detail_text(const json_t *detail)
{
	const char *const members[] = { "object", "token", "credential", "argument", say("why", "why_zh") };
	char *text = NULL;
	size_t length, i;
	json_t *marker;
	FILE *out;

	if (json_is_string(detail))
		return strdup(json_string_value(detail));
	out = open_memstream(&text, &length);
	for (i = 0; out && i < sizeof members / sizeof members[0]; i++) {
		const char *value = json_string_value(json_object_get(detail, members[i]));

		if (value)
			fprintf(out, "%s%s", ftell(out) > 0 ? ": " : "", value);
	}
	json_array_foreach(json_object_get(detail, "markers"), i, marker)
		if (out)
			fprintf(out, " %s", json_string_value(marker));
	if (out && json_is_string(json_object_get(detail, "state")))
		fprintf(out, "%s%s", say(": it is now: ", "：目前："), any_state_text(json_string_value(json_object_get(detail, "state"))));
	if (out)
		fclose(out);
	return text;
}

int
command_fail(const struct run *run, int error, json_t *object)
{
	char *text = detail_text(json_object_get(object, "detail"));

	if (!command_print_json(run, object))
		fprintf(stderr, "mintctl: %s%s%s: %s\n", pair_text(object, "what"), text && *text ? ": " : "", text ? text : "",
		    pair_text(object, "do"));
	free(text);
	json_decref(object);
	return error;
}

int
command_fail_with(const struct run *run, int error, const char *detail)
{
	return command_fail(run, error, client_error(error, detail));
}

int
command_fail_next(const struct run *run, int error, const char *detail, const char *const next[2])
{
	json_t *object = client_error(error, detail);

	json_object_set_new(object, "do", json_pack("{s:s,s:s}", "en", next[MINT_EN], "zh", next[MINT_ZH]));
	return command_fail(run, error, object);
}

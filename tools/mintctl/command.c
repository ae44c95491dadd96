#include "tools/mintctl/command_table.h"
#include "tools/mintctl/screen.h"

#include <string.h>

const struct option_row option_rows[OPTION_COUNT] = {
	[OPTION_AGAIN] = { "again", "DIR", { "a token that an earlier trial left: its directory has the codes", "继续处理上次试制遗留的介质：该目录存有其口令" } },
	[OPTION_CERTIFICATE_SIZE] = { "certificate-size", NULL, { "find the longest certificate that fits", "测定可写入的最长证书" } },
	[OPTION_COUNT_OF] = { "count", "N", { "how many", "数量" } },
	[OPTION_KEY_TYPE] = { "key-type", "TYPE", { "rsa2048 or p256 (unless said)", "rsa2048 或 p256（默认）" } },
	[OPTION_LOT] = { "lot", "NAME", { "lot of the blank tokens", "空白介质批次" } },
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

/* The orders of schemas/commands.def: the object is the first argument, `tokens` are the further ones, the rest are options. */
static const struct order_argument order_arguments[] = {
#define COMMAND(...)
#define ARGUMENT(verb, name, required, en, zh) { #verb, #name, required, { en, zh } },
#include "schemas/commands.def"
#undef ARGUMENT
#undef COMMAND
};

/* What is ordered about a token or a bay stands with the other commands of its kind. */
#define NAME_application(verb) #verb
#define NAME_credential(verb) #verb
#define NAME_bay(verb) "bay " #verb
#define NAME_wiring(verb) "bay " #verb
#define NAME_bench(verb) #verb
#define NAME_date(verb) "clock " #verb
#define NAME_token(verb) "token " #verb
#define NAME_stock(verb) "stock " #verb

/* Which key type is meant is an option: there is one that is nearly always meant. The bays whose wiring is learned are the bench's. */
#define OBJECTS_application 1
#define OBJECTS_credential 1
#define OBJECTS_bay 1
#define OBJECTS_bench 1
#define OBJECTS_date 1
#define OBJECTS_token 1
#define OBJECTS_stock 0
#define OBJECTS_wiring 0
#define OPTIONS_application 0
#define OPTIONS_credential 0
#define OPTIONS_bay 0
#define OPTIONS_bench 0
#define OPTIONS_date 0
#define OPTIONS_token 0
#define OPTIONS_stock BIT(KEY_TYPE)
#define OPTIONS_wiring 0

/* An order whose end is worth waiting for has a command of its own. */
#define RUN_application run_order
#define RUN_credential run_order
#define RUN_bay run_order
#define RUN_bench run_order
#define RUN_date run_order
#define RUN_token run_order
#define RUN_stock run_order
#define RUN_wiring run_learn

static const struct command commands[] = {
	{ "status", "", 0, 0, PLACE_CLIENT, 0, { "the bench at a glance", "总览" }, run_status },
	{ "import", "FILE", 1, 1, PLACE_CLIENT, 0, { "applications from FILE (- for standard input): an array, or one object a line", "导入申请文件（- 为标准输入）" }, run_import },
	{ "list", "", 0, 0, PLACE_CLIENT, BIT(STATE) | BIT(URGENT) | BIT(LATE) | BIT(REFERENCE) | BIT(LIMIT), { "applications, or credentials of a state", "列出申请或某状态的证书" }, run_list },
	{ "show", "REFERENCE|CREDENTIAL|SERIAL", 1, 1, PLACE_CLIENT, 0, { "one application, credential (with its evidence) or token", "查看申请、证书（含凭据）或介质" }, run_show },
	{ "bays", "", 0, 0, PLACE_CLIENT, 0, { "what each bay shows and does", "工位" }, run_bays },
	{ "watch", "", 0, 0, PLACE_CLIENT, BIT(UNTIL_IDLE) | BIT(TIMEOUT), { "live progress; plain lines when piped", "实时进度" }, run_watch },
	{ "stock", "", 0, 0, PLACE_CLIENT, 0, { "tokens that are keyed ahead: how many, and what is ordered", "预制密钥库存" }, run_stock },
	{ "forecast", "", 0, 0, PLACE_CLIENT, BIT(LATE) | BIT(LIMIT), { "when the queue will be empty, who will be late, what would save them", "预测：何时完成、哪些申请将逾期及补救办法" }, run_forecast },
	{ "token list", "", 0, 0, PLACE_CLIENT, BIT(STATE) | BIT(LIMIT), { "tokens, or those of a state", "列出介质或某状态的介质" }, run_token_list },
	{ "token model check", "FILE…", 1, -1, PLACE_OFFLINE, 0, { "is a token model's profile right, and does it go with the others", "检查介质型号文件" }, run_token_model_check },
	{ "token try", "BAY|READER|MODULE[#SLOT]", 1, 1, PLACE_OFFLINE, BIT(MODEL) | BIT(PROFILE) | BIT(KEYS) | BIT(KEEP) | BIT(AGAIN) | BIT(EVERY_SO_PIN) | BIT(CERTIFICATE_SIZE), { "a whole life on a blank token: does its profile work, what belongs into it", "用空白介质试走全流程，给出型号文件内容" }, run_token_try },
	{ "token show", "token", 1, 1, PLACE_CLIENT, 0, { "a token: its state, whom it served, what may be ordered about it", "查看介质：状态、用途及可下命令" }, run_token_show },
#define COMMAND(verb, object, en, zh) { NAME_##object(verb), OBJECTS_##object ? #object : "", OBJECTS_##object, OBJECTS_##object, PLACE_CLIENT, OPTIONS_##object, { en, zh }, RUN_##object },
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
int
command_is_in_group(const char *name, const char *group)
{
	size_t length = strlen(group);

	return strncmp(name, group, length) == 0 && name[length] == ' ';
}

int
command_is_group(const char *words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (command_is_in_group(commands[i].name, words))
			return 1;
	return 0;
}

/* 1 when no row before `index` begins with the same `length` bytes of whole words. */
int
command_is_first(size_t index, size_t length)
{
	for (size_t i = 0; i < index; i++)
		if (strncmp(commands[i].name, commands[index].name, length) == 0 && strchr(" ", commands[i].name[length]))
			return 0;
	return 1;
}

/* The words that may follow a group's, each once, with `between` them. */
void
command_next_words(const char *group, const char *between, FILE *out)
{
	size_t length = strlen(group);
	const char *before = "";

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t word = command_is_in_group(commands[i].name, group) ? strcspn(commands[i].name + length + 1, " ") : 0;

		if (!word || !command_is_first(i, length + 1 + word))
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

int
command_gives_order(const struct command *command)
{
	return command->run == run_order || command->run == run_learn;
}

const struct command *
command_by_verb(const char *verb)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (command_gives_order(&commands[i]) && strcmp(command_verb(&commands[i]), verb) == 0)
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
const struct command *
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

int
option_by_name(const char *name, size_t length)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_rows[i].name) == length && memcmp(option_rows[i].name, name, length) == 0)
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

unsigned
command_options(const struct command *command)
{
	unsigned bits = OPTIONS_COMMON | (command ? command->options : 0);

	if (command && command_gives_order(command))
		for (const struct order_argument *a = order_argument_next(command_verb(command), NULL); a; a = order_argument_next(command_verb(command), a))
			if (order_option(a) >= 0)
				bits |= 1u << order_option(a);
	return bits;
}

/* An order with an argument that is no option takes it as further positional arguments. */
static const struct order_argument *
list_argument(const struct command *command)
{
	const struct order_argument *a = command_gives_order(command) ? order_argument_next(command_verb(command), NULL) : NULL;

	while (a && order_option(a) >= 0)
		a = order_argument_next(command_verb(command), a);
	return a;
}

int
command_least(const struct command *command)
{
	const struct order_argument *list = list_argument(command);

	return command->least + (list && list->required);
}

int
command_most(const struct command *command)
{
	return list_argument(command) ? -1 : command->most;
}

void
command_arguments(const struct command *command, char *text, size_t text_bytes)
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

#include "hostd/ca/command.h"
#include "hostd/base/config.h"
#include "hostd/base/release.h"
#include "hostd/ca/crl.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_set { SET_PLACE = 1, SET_SECRET = 2, SET_MAKE = 4, SET_FIND = 8, SET_PROFILES = 16, SET_LIST = 32, SET_REVOKE = 64, SET_WHY = 128 };

static const struct {
	const char  *name;
	command_run *run;
	unsigned     sets;
	const char  *help[2];
} commands[] = {
	{ "init", command_init, SET_PLACE | SET_SECRET | SET_MAKE,
	  { "make a new CA: a root and an issuing CA below it", "新建 CA：根 CA 和签发 CA" } },
	{ "show", command_show, SET_PLACE, { "the CA, what it issued, its revocation list", "查看 CA、签发数量和吊销列表" } },
	{ "crl", command_crl, SET_PLACE | SET_SECRET, { "publish a new revocation list now", "立即发布新的吊销列表" } },
	{ "list", command_list, SET_PLACE | SET_LIST, { "what was signed, in order, and whether the log is whole", "按顺序列出已签证书并检查签发日志" } },
	{ "lookup", command_lookup, SET_PLACE | SET_FIND, { "what was signed for a request, serial number or key", "按请求号、序列号或公钥查询已签证书" } },
	{ "revoke", command_revoke, SET_PLACE | SET_SECRET | SET_REVOKE,
	  { "revoke what no record knows, and publish the list; not while the bench runs", "吊销数据库中没有的证书并发布吊销列表（须先停止制证台）" } },
	{ "clock", command_clock, SET_PLACE | SET_WHY,
	  { "the clock is right now and stood ahead when the CA last signed; the bench must not run", "确认时钟现已正确（上次签发时超前）；须先停止制证台" } },
	{ "profiles", command_profiles, SET_PROFILES, { "check and list the certificate profiles", "检查并列出证书模板" } },
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

enum letter {
	OPT_DIR = 1, OPT_CONFIG, OPT_PASSPHRASE_FILE, OPT_PASSPHRASE_FD, OPT_ROOT_PASSPHRASE_FILE, OPT_DEMONSTRATION, OPT_SUBJECT,
	OPT_KEY, OPT_REQUEST, OPT_SERIAL, OPT_SPKI, OPT_PEM, OPT_FROM, OPT_PROFILES, OPT_REASON, OPT_WHY, OPT_JSON, OPT_HELP,
};

static const struct {
	const char *name;
	enum letter letter;
	unsigned    sets;                       /* 0: every command */
	const char *argument;                   /* "" for none */
	const char *help[2];
} options[] = {
	{ "dir", OPT_DIR, SET_PLACE, "DIR", { "the CA's directory", "CA 目录" } },
	{ "profiles", OPT_PROFILES, SET_PROFILES, "DIR", { "directory of certificate profiles", "证书模板目录" } },
	{ "config", OPT_CONFIG, SET_PLACE | SET_PROFILES, "FILE", { "take directories and passphrase file from the bench's configuration", "从制证台配置读取目录和口令文件" } },
	{ "passphrase-file", OPT_PASSPHRASE_FILE, SET_SECRET, "FILE", { "its first line is the passphrase (else the credential ca-passphrase)", "首行为口令的文件（否则取凭据 ca-passphrase）" } },
	{ "passphrase-fd", OPT_PASSPHRASE_FD, SET_SECRET, "N", { "an open descriptor to read the passphrase from", "读取口令的文件描述符" } },
	{ "root-passphrase-file", OPT_ROOT_PASSPHRASE_FILE, SET_MAKE, "FILE", { "another passphrase for the root key", "根密钥另用的口令文件" } },
	{ "subject", OPT_SUBJECT, SET_MAKE, "NAME", { "name of the issuing CA: C=CN,O=…,CN=…", "签发 CA 的名称：C=CN,O=…,CN=…" } },
	{ "key", OPT_KEY, SET_MAKE, "TYPE", { "p256 (default), p384, rsa2048, rsa3072, rsa4096", "p256（默认）、p384、rsa2048、rsa3072、rsa4096" } },
	{ "demonstration", OPT_DEMONSTRATION, SET_MAKE, "", { "a CA for trying things out: every name says so", "演示用 CA，所有名称均有标记" } },
	{ "request", OPT_REQUEST, SET_FIND, "ID", { "request id", "请求号" } },
	{ "serial", OPT_SERIAL, SET_FIND | SET_REVOKE, "HEX", { "serial number", "证书序列号" } },
	{ "reason", OPT_REASON, SET_REVOKE, "WORD", { CRL_REASON_WORDS, CRL_REASON_WORDS } },
	{ "spki", OPT_SPKI, SET_FIND, "HEX", { "SHA-256 of the public key (SubjectPublicKeyInfo, DER)", "公钥（SubjectPublicKeyInfo）的 SHA-256" } },
	{ "pem", OPT_PEM, SET_FIND, "", { "print the certificate alone", "仅输出证书" } },
	{ "from", OPT_FROM, SET_LIST, "BYTE", { "only what stands behind this byte of the log", "仅列出日志中该字节之后的记录" } },
	{ "why", OPT_WHY, SET_WHY, "TEXT", { "what the clock was compared with: kept in the issue log", "核对依据，记入签发日志" } },
	{ "json", OPT_JSON, 0, "", { "answer in JSON, errors too", "以 JSON 输出（含错误）" } },
	{ "help", OPT_HELP, 0, "", { "print this", "显示本说明" } },
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

/* As in locale(7): the first of these that is set decides. */
static enum mint_language
language(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strncmp(value, "zh", 2) == 0 ? MINT_ZH : MINT_EN;
	}
	return MINT_EN;
}

static void
print_help(FILE *out, int command)
{
	enum mint_language lang = language();

	if (command < 0) {
		fprintf(out, "usage: mint-ca COMMAND [OPTION …]\n       mint-ca --config FILE\n\n");
		for (int i = 0; i < COMMAND_COUNT; i++)
			fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help[lang]);
		fprintf(out, "\nmint-ca COMMAND --help\n");
		return;
	}
	fprintf(out, "usage: mint-ca %s [OPTION …]\n%s\n\n", commands[command].name, commands[command].help[lang]);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (options[i].sets == 0 || options[i].sets & commands[command].sets)
			fprintf(out, "  --%-21s %-5s %s\n", options[i].name, options[i].argument, options[i].help[lang]);
}

static int
take_option(struct command_options *to, const char **config_path, int letter)
{
	char *end;
	long fd;

	switch ((enum letter)letter) {
	case OPT_DIR: to->directory = optarg; break;
	case OPT_CONFIG: *config_path = optarg; break;
	case OPT_PASSPHRASE_FILE: to->passphrase_file = optarg; break;
	case OPT_ROOT_PASSPHRASE_FILE: to->root_passphrase_file = optarg; break;
	case OPT_SUBJECT: to->subject = optarg; break;
	case OPT_KEY: to->key_type = optarg; break;
	case OPT_REQUEST: to->request = optarg; break;
	case OPT_SERIAL: to->serial = optarg; break;
	case OPT_REASON: to->reason = optarg; break;
	case OPT_SPKI: to->spki = optarg; break;
	case OPT_FROM:
		to->from = strtoull(optarg, &end, 10);
		if (!*optarg || *end)
			return MINT_ARGUMENT;
		break;
	case OPT_WHY: to->why = optarg; break;
	case OPT_PROFILES: to->profiles = optarg; break;
	case OPT_DEMONSTRATION: to->demonstration = 1; break;
	case OPT_PEM: to->pem = 1; break;
	case OPT_JSON: to->json = 1; break;
	case OPT_PASSPHRASE_FD:
		fd = strtol(optarg, &end, 10);
		if (*end || fd < 0 || fd > 1023)
			return MINT_ARGUMENT;
		to->passphrase_fd = (int)fd;
		break;
	case OPT_HELP:
	default:
		return MINT_ARGUMENT;
	}
	return 0;
}

/* 0, 1 when --help was asked for, or MINT_ARGUMENT. */
static int
read_options(int argc, char **argv, int command, struct command_options *to, const char **config_path)
{
	struct option rows[OPTION_COUNT + 1] = { { NULL, 0, NULL, 0 } };
	int count = 0, letter;

	for (int i = 0; i < OPTION_COUNT; i++)
		if (options[i].sets == 0 || options[i].sets & commands[command].sets)
			rows[count++] = (struct option){ options[i].name, *options[i].argument ? required_argument : no_argument, NULL,
				(int)options[i].letter };
	optind = 1;
	while ((letter = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (letter == OPT_HELP)
			return 1;
		if (letter == '?' || take_option(to, config_path, letter) != 0)
			return MINT_ARGUMENT;
	}
	return optind == argc ? 0 : MINT_ARGUMENT;
}

/* Explicit options win over the configuration. */
static int
take_config(struct command_options *to, const char *path, struct config **config, struct reason *reason)
{
	int r = config_read(path, config);

	if (r != 0)
		return reason_set(reason, r, "%s: see the line before", path);
	if (!to->directory)
		to->directory = (*config)->ca_directory;
	if (!to->profiles)
		to->profiles = (*config)->ca_profiles;
	if (!to->passphrase_file && to->passphrase_fd < 0 && (*config)->ca_passphrase[0])
		to->passphrase_file = (*config)->ca_passphrase;
	return 0;
}

static void
print_value(const char *key, json_t *value)
{
	size_t i;
	json_t *item;

	if (json_is_string(value)) {
		printf("%-20s %s\n", key, json_string_value(value));
	} else if (json_is_object(value)) {
		json_object_foreach(value, key, item)
			print_value(key, item);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
			print_value(i == 0 ? key : "", item);
	} else {
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		printf("%-20s %s\n", key, text ? text : "");
		free(text);
	}
}

static void
print_answer(const struct command_options *to, json_t *answer)
{
	const char *key, *pem = json_string_value(json_object_get(answer, "pem"));
	json_t *value;

	if (to->pem && pem && !to->json) {
		fputs(pem, stdout);
		return;
	}
	if (to->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	json_object_foreach(answer, key, value)
		print_value(key, value);
}

static void
print_failure(const struct command_options *to, int r, const struct reason *reason)
{
	const struct error_info *info = error_info(r);
	enum mint_language lang = language();
	json_t *object;

	if (!to->json) {
		fprintf(stderr, "mint-ca: %s: %s: %s\n", info->what[lang], reason->text, info->next[lang]);
		return;
	}
	object = json_pack("{s:s, s:s, s:s, s:s}", "error", info->name, "what", info->what[lang], "detail", reason->text,
	    "do", info->next[lang]);
	if (object)
		json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static int
run(int argc, char **argv, int command)
{
	struct command_options to = { .passphrase_fd = -1, .key_type = "p256" };
	struct reason reason = { .error = 0 };
	struct config *config = NULL;
	const char *config_path = NULL;
	json_t *answer = NULL;
	int r = read_options(argc, argv, command, &to, &config_path);

	if (r != 0) {
		print_help(r > 0 ? stdout : stderr, command);
		return r > 0 ? 0 : error_info(r)->exit_status;
	}
	if (config_path)
		r = take_config(&to, config_path, &config, &reason);
	if (r == 0 && commands[command].sets & SET_PLACE && !to.directory)
		r = reason_set(&reason, MINT_ARGUMENT, "give --dir DIR or --config FILE");
	if (r == 0)
		r = commands[command].run(&to, &answer, &reason);
	if (r == 0)
		print_answer(&to, answer);
	else
		print_failure(&to, r, &reason);
	json_decref(answer);
	config_free(&config);
	return r == 0 ? 0 : error_info(r)->exit_status;
}

int
command_main(int argc, char **argv, int *status)
{
	*status = 0;
	if (argc < 2 || argv[1][0] == '-')
		return 0;
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			*status = run(argc - 1, argv + 1, i);
			return 1;
		}
	}
	if (strcmp(argv[1], "help") != 0)
		*status = error_info(MINT_ARGUMENT)->exit_status;
	print_help(*status ? stderr : stdout, -1);
	return 1;
}

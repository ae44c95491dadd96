/* vtoken: virtual MyEID tokens behind the readers of a pcscd.
 *
 * Trusted with nothing real: its private keys and PINs belong to tokens that exist only here. It connects to loopback
 * ports and listens on one Unix socket; it starts no program.
 */
#include "hostd/base/log.h"
#include "schemas/errors.h"
#include "tools/vtoken/card.h"
#include "tools/vtoken/control.h"
#include "tools/vtoken/files.h"
#include "tools/vtoken/keygen.h"
#include "tools/vtoken/rack.h"
#include "tools/vtoken/say.h"

#include <event2/event.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POOL_TARGET 16
#define ATR_MAX 33

struct settings {
	struct rack_config rack;
	uint16_t ports[RACK_SLOTS_MAX];
	uint8_t atr[ATR_MAX];
	const char *control_path, *say, *script;
	size_t fill;
	const struct pool_type *fill_type; /* NULL: every kind */
	bool help;
};

/* One function an option: takes the argument, gives 0 or what is wrong with it. */
typedef const char *take_option(struct settings *settings, const char *argument);

static const char *
take_number(const char *text, unsigned long long most, unsigned long long *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || *text < '0' || *text > '9' || *end || *number > most ? "not a number in range" : NULL;
}

static const char *
take_ports(struct settings *settings, const char *argument)
{
	char *copy = strdup(argument), *rest = NULL, *word;
	const char *wrong = copy ? NULL : "out of memory";
	unsigned long long port;

	settings->rack.count = 0;
	for (word = copy ? strtok_r(copy, ",", &rest) : NULL; word && !wrong; word = strtok_r(NULL, ",", &rest)) {
		wrong = take_number(word, 65535, &port);
		if (!wrong && settings->rack.count == RACK_SLOTS_MAX)
			wrong = "too many ports";
		if (!wrong)
			settings->ports[settings->rack.count++] = (uint16_t)port;
	}
	free(copy);
	return wrong;
}

static const char *
take_readers(struct settings *settings, const char *argument)
{
	settings->rack.protocol = link_protocol_by_name(argument);
	return settings->rack.protocol ? NULL : "vpcd or vscard";
}

static const char *
take_state(struct settings *settings, const char *argument)
{
	settings->rack.state_path = argument;
	return NULL;
}

static const char *
take_control(struct settings *settings, const char *argument)
{
	settings->control_path = argument;
	return NULL;
}

static const char *
take_say(struct settings *settings, const char *argument)
{
	settings->say = argument;
	return NULL;
}

static const char *
take_script(struct settings *settings, const char *argument)
{
	settings->script = argument;
	return NULL;
}

static const char *
take_law(struct settings *settings, const char *argument)
{
	law_free(&settings->rack.law);
	settings->rack.law = law_new(argument);
	return settings->rack.law ? NULL : "no such law";
}

static const char *
take_seed(struct settings *settings, const char *argument)
{
	unsigned long long seed;
	const char *wrong = take_number(argument, UINT64_MAX, &seed);

	settings->rack.seed = seed;
	return wrong;
}

static const char *
take_apdu_us(struct settings *settings, const char *argument)
{
	unsigned long long us;
	const char *wrong = take_number(argument, 60000000, &us);

	settings->rack.apdu_us = (uint32_t)us;
	return wrong;
}

static const char *
take_memory(struct settings *settings, const char *argument)
{
	unsigned long long bytes;
	const char *wrong = take_number(argument, FILES_BYTES_MAX, &bytes);

	settings->rack.memory = (size_t)bytes;
	return wrong;
}

/* ISO/IEC 7816-3:2006, 8.2: TS, T0 and what they announce; more than that is not looked at. */
static const char *
take_atr(struct settings *settings, const char *argument)
{
	size_t digits = strlen(argument), len = digits / 2;
	char byte[3] = "";

	if (digits % 2 || len > sizeof settings->atr || strspn(argument, "0123456789abcdefABCDEF") != digits)
		return "not up to 33 bytes in hexadecimal";
	for (size_t n = 0; n < len; n++) {
		memcpy(byte, argument + 2 * n, 2);
		settings->atr[n] = (uint8_t)strtoul(byte, NULL, 16);
	}
	if (len < 2 || (settings->atr[0] != 0x3B && settings->atr[0] != 0x3F))
		return "an ATR is 2 to 33 bytes and begins with 3B or 3F";
	settings->rack.atr = settings->atr;
	settings->rack.atr_len = len;
	return NULL;
}

static const char *
take_log(struct settings *settings, const char *argument)
{
	settings->rack.log_path = argument;
	return NULL;
}

static const char *
take_pool(struct settings *settings, const char *argument)
{
	settings->rack.pool_path = argument;
	return NULL;
}

static const char *
take_pool_target(struct settings *settings, const char *argument)
{
	unsigned long long target;
	const char *wrong = take_number(argument, 1000000, &target);

	settings->rack.pool_target = (size_t)target;
	return wrong;
}

static const char *
take_fill(struct settings *settings, const char *argument)
{
	unsigned long long wanted;
	const char *wrong = take_number(argument, 1000000, &wanted);

	settings->fill = (size_t)wanted;
	return wrong;
}

static const char *
take_type(struct settings *settings, const char *argument)
{
	settings->fill_type = pool_type_by_name(argument);
	return settings->fill_type ? NULL : "no such kind of key";
}

static const char *
take_help(struct settings *settings, const char *argument)
{
	(void)argument;
	settings->help = true;
	return NULL;
}

static const struct option_row {
	const char *name, *argument; /* NULL: takes none */
	take_option *take;
	const char *help;
} options[] = {
	{ "ports", "P1,P2,…", take_ports, "loopback ports of the readers, one a slot (slots count from 0)" },
	{ "readers", "KIND", take_readers, "vpcd: pcscd's driver (default); vscard: ccid-card-passthru of QEMU" },
	{ "state", "DIR", take_state, "where the tokens' states are kept" },
	{ "control", "SOCKET", take_control, "Unix socket for commands; say `help` on it" },
	{ "say", "COMMAND", take_say, "with --control: say this to the vtoken that runs there, print its answer" },
	{ "script", "FILE", take_script, "likewise every line of a file (-: standard input), up to the first that is refused" },
	{ "law", "NAME", take_law, "time of key generation (default none), one of the laws below" },
	{ "seed", "N", take_seed, "of the law's draws (default 1)" },
	{ "apdu-us", "N", take_apdu_us, "least time of any command, microseconds (default 0)" },
	{ "atr", "HEX", take_atr, "answer to reset, to play a card that nobody knows" },
	{ "memory", "BYTES", take_memory, "of each card, for files and keys (default 65536)" },
	{ "log", "FILE", take_log, "APDU log: a line a command, PINs masked" },
	{ "pool", "DIR", take_pool, "key pairs made ahead, none used twice" },
	{ "pool-target", "N", take_pool_target, "keys of each kind an idle thread keeps in the pool (default 16, 0: none)" },
	{ "fill-pool", "N", take_fill, "with --pool: make keys until there are N of each kind, then end" },
	{ "type", "KIND", take_type, "with --fill-pool: only rsa2048, or only p256" },
	{ "help", NULL, take_help, "this text" },
};
#define OPTIONS (sizeof options / sizeof options[0])

static void
print_help(void)
{
	const char *name, *what;
	char left[64];

	printf("usage: vtoken --ports P1,P2,… --state DIR --control SOCKET [option…]\n"
	       "       vtoken --control SOCKET --say COMMAND\n"
	       "       vtoken --control SOCKET --script FILE\n"
	       "       vtoken --fill-pool N --pool DIR [--type rsa2048|p256]\n\n"
	       "Virtual MyEID tokens behind the vpcd readers of a pcscd, or the readers of a QEMU guest.\n\n");
	for (size_t n = 0; n < OPTIONS; n++) {
		snprintf(left, sizeof left, "--%s %s", options[n].name, options[n].argument ? options[n].argument : "");
		printf("  %-*s %s\n", 20 + (strstr(left, "…") ? 2 : 0), left, options[n].help); /* three bytes, one column */
	}
	printf("\nLaws of the time a key generation takes:\n");
	for (size_t n = 0; law_list(n, &name, &what); n++)
		printf("  %-20s %s\n", name, what);
	printf("  %-20s %s\n", "LAW/N", "any of these, every draw divided by N (1 to 1000)");
}

static int
parse(struct settings *settings, int argc, char **argv)
{
	struct option table[OPTIONS + 1] = { { 0 } };
	const char *wrong;
	int found;

	for (size_t n = 0; n < OPTIONS; n++)
		table[n] = (struct option){ options[n].name, options[n].argument ? required_argument : no_argument, NULL,
					    (int)n + 1 };
	while ((found = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (found < 1 || found > (int)OPTIONS)
			return MINT_ARGUMENT;
		wrong = options[found - 1].take(settings, optarg);
		if (wrong) {
			log_error("--%s %s: %s: see --help", options[found - 1].name, optarg, wrong);
			return MINT_ARGUMENT;
		}
	}
	if (optind != argc) {
		log_error("%s: not an option: see --help", argv[optind]);
		return MINT_ARGUMENT;
	}
	return 0;
}

static int
fill_pool(const struct settings *settings)
{
	const struct pool_type *type;
	struct pool *pool;
	int error = pool_open(&pool, settings->rack.pool_path);

	for (size_t n = 0; !error && (type = pool_type(n)); n++) {
		if (settings->fill_type && settings->fill_type != type)
			continue;
		error = keygen_fill(pool, type, settings->fill, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
		if (!error)
			printf("%s: %s: %zu keys\n", settings->rack.pool_path, type->name, pool_count(pool, type));
	}
	if (error)
		log_error("%s: pool not filled (%s)", settings->rack.pool_path, error_info(error)->name);
	pool_close(&pool);
	return error;
}

static void
on_signal(evutil_socket_t number, short what, void *base)
{
	(void)number;
	(void)what;
	event_base_loopbreak(base);
}

/* Timers of microseconds, for the time a command takes. */
static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int
serve(const struct settings *settings)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct event *events[sizeof signals / sizeof signals[0]] = { NULL };
	struct event_base *base = new_base();
	struct rack *rack = NULL;
	struct control *control = NULL;
	int error = base ? rack_new(&rack, base, &settings->rack) : MINT_MEMORY;

	for (size_t n = 0; !error && n < sizeof signals / sizeof signals[0]; n++) {
		events[n] = evsignal_new(base, signals[n], on_signal, base);
		error = events[n] && event_add(events[n], NULL) == 0 ? 0 : MINT_SYSTEM;
	}
	/* Last: whoever sees the socket may say anything, a signal to end included. */
	if (!error)
		error = control_new(&control, base, settings->control_path, rack);
	if (!error && event_base_dispatch(base) < 0)
		error = MINT_SYSTEM;
	control_free(&control);
	if (rack && rack_busy(rack)) {
		/* An RSA key in the making takes seconds and nothing waits for it. States are on the disk already. */
		fflush(NULL);
		_exit(error ? error_info(error)->exit_status : 0);
	}
	rack_free(&rack);
	for (size_t n = 0; n < sizeof signals / sizeof signals[0]; n++)
		if (events[n])
			event_free(events[n]);
	if (base)
		event_base_free(base);
	libevent_global_shutdown();
	return error;
}

static int
run(const struct settings *settings)
{
	if (settings->help) {
		print_help();
		return 0;
	}
	if (settings->say && settings->control_path)
		return say_command(settings->control_path, settings->say);
	if (settings->script && settings->control_path)
		return say_script(settings->control_path, settings->script);
	if (settings->fill && settings->rack.pool_path)
		return fill_pool(settings);
	if (settings->rack.count && settings->rack.state_path && settings->control_path)
		return serve(settings);
	log_error("--ports, --state and --control are needed, or --say, --script or --fill-pool: see --help");
	return MINT_ARGUMENT;
}

int
main(int argc, char **argv)
{
	static struct settings settings;
	int error;

	log_open("vtoken");
	signal(SIGPIPE, SIG_IGN);
	settings.rack.ports = settings.ports;
	settings.rack.protocol = link_protocol_by_name("vpcd");
	settings.rack.law = law_new("none");
	settings.rack.seed = 1;
	settings.rack.atr = card_atr;
	settings.rack.atr_len = card_atr_len;
	settings.rack.memory = FILES_BYTES_MAX;
	settings.rack.pool_target = POOL_TARGET;
	error = parse(&settings, argc, argv);
	if (!error)
		error = run(&settings);
	law_free(&settings.rack.law);
	return error ? error_info(error)->exit_status : 0;
}

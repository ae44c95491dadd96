/* The puppets of queue_stage.h. */
#include "tests/unit/queue_stage.h"

#include "hostd/base/clock.h"
#include "hostd/base/log.h"

#include <event2/event.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- plumbing */

void
stage_say(int fd, const struct message *message)
{
	if (fd >= 0)
		ipc_write(fd, message, -1);
}

static void
hello(int fd, enum program program)
{
	struct message message = { .type = MESSAGE_hello };

	message.hello = (struct message_hello){
		.version = MESSAGES_VERSION, .program = program, .pid = 1000u + (uint32_t)fd, .release = "stage",
	};
	stage_say(fd, &message);
}

static int
readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&poll_fd, 1, 0) == 1;
}

static void
nothing(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what, (void)argument;
}

void
stage_turn(struct stage *stage)
{
	struct timeval now = { 0, 0 };

	event_base_once(stage->base, -1, EV_TIMEOUT, nothing, NULL, &now);
	queue_turn(stage->queue);
}

const char *
stage_sql(struct stage *stage, const char *format, ...)
{
	static char text[16384];
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	char sql[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sql, sizeof sql, format, arguments);
	va_end(arguments);
	text[0] = '\0';
	assert_int_equal(sqlite3_open_v2(stage->database, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0))
		snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}

/* --- tokens */

static uint32_t
spki_of(EVP_PKEY *key, uint8_t *out)
{
	uint8_t *at = out;
	int bytes = key ? i2d_PUBKEY(key, &at) : 0;

	return bytes > 0 ? (uint32_t)bytes : 0;
}

void
stage_blank(struct stage_token *token)
{
	EVP_PKEY_free(token->key);
	token->key = NULL;
	token->key_id_bytes = token->certificate_bytes = 0;
	token->content = CONTENT_BLANK;
	token->label[0] = '\0';
	token->codes_left = 0;
}

static void
probe(const struct stage_bay *bay, const struct stage_token *token)
{
	struct message message = { .type = MESSAGE_probed };
	uint8_t spki[1024], hash[32], codes[] = "fresh transport codes";

	message.probed = (struct message_probed){
		.lease = bay->lease, .content = (uint8_t)token->content, .model = "stage", .key_types = token->key_types, .serial = token->serial,
		.label = token->label, .user_tries = TRIES_NOT_SAID, .so_tries = (uint8_t)(token->so_locked ? 0 : TRIES_NOT_SAID),
		.tries_lost = (uint8_t)token->tries_lost, .subject_max = (uint32_t)token->subject_max,
		.key_id = { token->key_id, token->key_id_bytes },
		.spki = { spki, spki_of(token->key, spki) },
		.fresh_codes = { codes, sizeof codes },
	};
	if (token->certificate_bytes) {
		SHA256(token->certificate, token->certificate_bytes, hash);
		message.probed.certificate_sha256 = (struct blob){ hash, sizeof hash };
	}
	stage_say(bay->fd, &message);
}

static void
initialise(const struct stage_bay *bay, struct stage_token *token, const struct message_initialise *order)
{
	struct message message = { .type = MESSAGE_initialised };

	if (token->content != CONTENT_BLANK)
		assert_true(order->erase && (order->old_codes.length > 0 || order->so_pin[0]));
	token->erased += order->erase;
	stage_blank(token);
	token->initialised++;
	token->content = CONTENT_MARKED;
	token->codes_left = 3;
	snprintf(token->label, sizeof token->label, "%s", order->label);
	message.initialised = (struct message_initialised){
		.journal = order->journal, .serial = token->serial, .label = token->label,
	};
	stage_say(bay->fd, &message);
}

static void
make_key(const struct stage_bay *bay, struct stage_token *token, const struct message_make_key *order)
{
	struct message message = { .type = MESSAGE_key_made };
	uint8_t spki[1024];

	assert_null(token->key); /* a second key on one token is a step repeated blindly */
	token->key = EVP_EC_gen("P-256");
	token->keys_made++;
	memcpy(token->key_id, order->key_id.data, order->key_id.length);
	token->key_id_bytes = order->key_id.length;
	message.key_made = (struct message_key_made){
		.journal = order->journal, .spki = { spki, spki_of(token->key, spki) }, .duration_us = 1234,
	};
	stage_say(bay->fd, &message);
}

/* The puppets' request is the bare public key. */
static void
make_request(const struct stage_bay *bay, const struct stage_token *token, const struct message_make_request *order)
{
	struct message message = { .type = MESSAGE_request_made };
	uint8_t spki[1024];

	message.request_made = (struct message_request_made){
		.journal = order->journal, .request = { spki, spki_of(token->key, spki) },
	};
	stage_say(bay->fd, &message);
}

static void
burn(const struct stage_bay *bay, struct stage_token *token, const struct message_burn *order)
{
	struct message message = { .type = MESSAGE_burned };

	memcpy(token->certificate, order->certificate.data, order->certificate.length);
	token->certificate_bytes = order->certificate.length;
	message.burned.journal = order->journal;
	stage_say(bay->fd, &message);
}

static uint32_t
sign(EVP_PKEY *key, const uint8_t *data, size_t bytes, uint8_t *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = 256;

	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, out, &length, data, bytes), 1);
	EVP_MD_CTX_free(context);
	return (uint32_t)length;
}

void
stage_prove_at(struct stage *stage, struct stage_bay *bay, const struct message_prove *order, int64_t read_us, int64_t signed_us)
{
	const struct stage_token *token = &stage->tokens[bay->token];
	struct message message = { .type = MESSAGE_proved };
	uint8_t hash[32], challenge[32] = "0123456789abcdef0123456789abcde", signature[256], envelope[] = "envelope";

	SHA256(token->certificate, token->certificate_bytes, hash);
	message.proved = (struct message_proved){
		.journal = order->journal, .certificate_sha256 = { hash, sizeof hash }, .read_us = read_us,
		.signed_us = signed_us, .codes_left = (uint8_t)token->codes_left,
	};
	if (token->codes_left)
		message.proved.envelope = (struct blob){ envelope, sizeof envelope };
	if (!order->proven) {
		message.proved.challenge = (struct blob){ challenge, sizeof challenge };
		message.proved.signature = (struct blob){ signature, sign(token->key, challenge, sizeof challenge, signature) };
	}
	stage_say(bay->fd, &message);
}

static void
check(const struct stage_bay *bay, const struct stage_token *token, const struct message_check *order)
{
	struct message message = { .type = MESSAGE_checked };
	uint8_t challenge[32] = "abcdef0123456789abcdef012345678", signature[256];

	message.checked = (struct message_checked){
		.journal = order->journal, .challenge = { challenge, sizeof challenge },
		.signature = { signature, sign(token->key, challenge, sizeof challenge, signature) },
	};
	stage_say(bay->fd, &message);
}

static void
seal(const struct stage_bay *bay, struct stage_token *token, const struct message_seal *order)
{
	struct message message = { .type = MESSAGE_sealed };

	token->codes_left = 0;
	message.sealed.journal = order->journal;
	stage_say(bay->fd, &message);
}

/* --- workers */

void
stage_fail(struct stage_bay *bay, uint64_t journal, int error, int fault)
{
	struct message message = { .type = MESSAGE_failed };

	message.failed = (struct message_failed){
		.journal = journal, .error = (uint32_t)-error, .fault = (uint8_t)fault, .detail = "told to fail",
	};
	stage_say(bay->fd, &message);
}

void
stage_exit(struct stage *stage, struct stage_bay *bay, int status)
{
	struct message message = { .type = MESSAGE_exited };

	message.exited = (struct message_exited){ .lease = bay->lease, .program = PROGRAM_WORKER, .status = (uint32_t)status };
	if (bay->fd >= 0)
		close(bay->fd);
	bay->fd = -1;
	bay->lease = 0;
	stage_say(stage->mintd, &message);
}

static void
work(struct stage *stage, struct stage_bay *bay, const struct message *message)
{
	struct stage_token *token = bay->token >= 0 ? &stage->tokens[bay->token] : NULL;

	if (message->type == MESSAGE_finish) {
		stage_exit(stage, bay, 0);
		return;
	}
	if (!token) { /* its card is gone: a real one would notice at its next command */
		if (message->type != MESSAGE_hello)
			stage_fail(bay, 0, MINT_TOKEN_GONE, FAULT_GONE);
		return;
	}
	switch ((int)message->type) {
	case MESSAGE_order:
		probe(bay, token);
		break;
	case MESSAGE_initialise:
		initialise(bay, token, &message->initialise);
		break;
	case MESSAGE_make_key:
		make_key(bay, token, &message->make_key);
		break;
	case MESSAGE_make_request:
		make_request(bay, token, &message->make_request);
		break;
	case MESSAGE_burn:
		burn(bay, token, &message->burn);
		break;
	case MESSAGE_prove:
		assert_int_equal(bay->role, ROLE_PROVE);
		stage_prove_at(stage, bay, &message->prove, clock_monotonic_us(), clock_monotonic_us());
		break;
	case MESSAGE_check:
		assert_int_equal(bay->role, ROLE_PROVE);
		check(bay, token, &message->check);
		break;
	case MESSAGE_seal:
		seal(bay, token, &message->seal);
		break;
	default:
		break;
	}
}

/* --- mint-ca */

static struct stage_issued *
find_issued(struct stage *stage, uint64_t request_id)
{
	for (int i = 0; i < stage->issued_count; i++)
		if (stage->issued[i].request_id == request_id)
			return &stage->issued[i];
	return NULL;
}

static void
issue(struct stage *stage, const struct message_certify *order)
{
	struct stage_issued *issued = &stage->issued[stage->issued_count++];
	const uint8_t *at = order->request.data;
	EVP_PKEY *subject = d2i_PUBKEY(NULL, &at, (long)order->request.length), *issuer = EVP_EC_gen("P-256");
	BIGNUM *number = BN_bin2bn(order->serial.data, (int)order->serial.length, NULL);
	X509 *certificate = X509_new();
	uint8_t *out = issued->certificate;

	assert_non_null(subject);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, subject);
	assert_true(X509_sign(certificate, issuer, EVP_sha256()) > 0);
	issued->bytes = (uint32_t)i2d_X509(certificate, &out);
	issued->request_id = order->request_id;
	memcpy(issued->serial, order->serial.data, sizeof issued->serial);
	X509_free(certificate);
	BN_free(number);
	EVP_PKEY_free(subject);
	EVP_PKEY_free(issuer);
}

static void
say_certified(struct stage *stage, uint64_t request_id)
{
	const struct stage_issued *issued = find_issued(stage, request_id);
	struct message message = { .type = issued ? MESSAGE_certified : MESSAGE_certify_refused };

	if (issued)
		message.certified = (struct message_certified){ request_id, { issued->certificate, issued->bytes } };
	else
		message.certify_refused = (struct message_certify_refused){ request_id, (uint32_t)-MINT_NOT_FOUND, "" };
	stage_say(stage->ca, &message);
}

void
stage_certify(struct stage *stage, const struct message *message)
{
	struct message answer = { .type = MESSAGE_revoked };
	struct stage_issued *issued;

	if (message->type == MESSAGE_certify) {
		snprintf(stage->last_subject, sizeof stage->last_subject, "%s", message->certify.subject);
		if (!find_issued(stage, message->certify.request_id))
			issue(stage, &message->certify);
		say_certified(stage, message->certify.request_id);
	} else if (message->type == MESSAGE_lookup) {
		say_certified(stage, message->lookup.request_id);
	} else if (message->type == MESSAGE_revoke) {
		issued = find_issued(stage, message->revoke.request_id);
		answer.revoked = (struct message_revoked){ message->revoke.request_id, issued ? 0 : (uint32_t)-MINT_NOT_FOUND, "" };
		if (issued)
			issued->revoked = 1;
		stage_say(stage->ca, &answer);
	}
}

/* --- mint-label and mint-api */

static void
print(struct stage *stage, const struct message *message)
{
	struct message answer = { .type = MESSAGE_printed };
	uint8_t hash[32] = { 1 };
	int known = 0;

	if (message->type != MESSAGE_print)
		return;
	for (int i = 0; i < stage->printed; i++)
		known |= stage->printed_jobs[i] == message->print.job;
	if (!known)
		stage->printed_jobs[stage->printed++] = message->print.job;
	snprintf(stage->last_label, sizeof stage->last_label, "%s", message->print.label);
	answer.printed = (struct message_printed){ message->print.job, { hash, sizeof hash }, "label.png" };
	stage_say(stage->label, &answer);
}

static void
hear_answer(struct stage *stage, const struct message *message)
{
	if (message->type == MESSAGE_import_result) {
		stage->last_outcome = message->import_result.outcome;
		snprintf(stage->last_detail, sizeof stage->last_detail, "%s", message->import_result.detail);
	} else if (message->type == MESSAGE_command_result) {
		stage->last_error = -(int)message->command_result.error;
		snprintf(stage->last_detail, sizeof stage->last_detail, "%s", message->command_result.detail);
	} else if (message->type == MESSAGE_feed) {
		stage->last_feed = message->feed.seq;
	}
}

/* --- mint-bench */

static void
hear_order(struct stage *stage, const struct message *message)
{
	struct stage_bay *bay;

	switch ((int)message->type) {
	case MESSAGE_show:
		bay = &stage->bays[message->show.bay - 1];
		bay->light = message->show.light;
		bay->burning = message->show.burning;
		bay->shows++;
		break;
	case MESSAGE_sound:
		memmove(stage->sounds + 1, stage->sounds, sizeof stage->sounds - sizeof stage->sounds[0]);
		stage->sounds[0] = message->sound.sound;
		break;
	case MESSAGE_lamps:
		stage->lamps = message->lamps.lamps;
		break;
	case MESSAGE_cycle:
		stage->bays[message->cycle.bay - 1].cycles++;
		break;
	case MESSAGE_learn:
		stage->learns++;
		break;
	case MESSAGE_wired:
		snprintf(stage->bays[message->wired.bay - 1].wired, sizeof stage->bays[0].wired, "%s", message->wired.port);
		break;
	default:
		break;
	}
}

/* --- mintd */

static struct stage_bay *
bay_of_lease(struct stage *stage, uint64_t lease)
{
	for (int i = 0; i < STAGE_BAYS; i++)
		if (stage->bays[i].lease == lease)
			return &stage->bays[i];
	return NULL;
}

static void
start_worker(struct stage *stage, const struct message_worker_start *order)
{
	struct message message = { .type = MESSAGE_worker_started };
	struct stage_bay *bay = &stage->bays[order->bay - 1];
	int fds[2];

	assert_int_equal(bay->lease, 0); /* two processes on one reader */
	assert_int_equal(ipc_pair(fds), 0);
	bay->lease = order->lease;
	bay->role = order->role;
	bay->fd = fds[0];
	message.worker_started = (struct message_worker_started){ order->lease, 4000u + (uint32_t)order->lease };
	assert_int_equal(ipc_write(stage->mintd, &message, fds[1]), 0);
	close(fds[1]);
	hello(bay->fd, PROGRAM_WORKER);
}

static void
supervise(struct stage *stage, const struct message *message)
{
	struct stage_bay *bay;

	if (message->type == MESSAGE_worker_start) {
		start_worker(stage, &message->worker_start);
	} else if (message->type == MESSAGE_worker_kill) {
		bay = bay_of_lease(stage, message->worker_kill.lease);
		if (bay)
			stage_exit(stage, bay, 9);
	}
}

/* --- running */

static int
serve(struct stage *stage, int *fd, struct stage_bay *bay, void (*act)(struct stage *, const struct message *))
{
	struct message message;
	int r;

	if (!readable(*fd))
		return 0;
	r = ipc_read(*fd, &message, NULL);
	if (r != 0) {
		close(*fd);
		*fd = -1;
		return 1;
	}
	if (!(stage->hook && message.type != MESSAGE_hello && stage->hook(stage, bay, &message))) {
		if (act)
			act(stage, &message);
		else
			work(stage, bay, &message);
	}
	message_clear(&message);
	return 1;
}

static int
act_all(struct stage *stage)
{
	int acted = serve(stage, &stage->mintd, NULL, supervise);

	acted += serve(stage, &stage->ca, NULL, stage_certify);
	acted += serve(stage, &stage->label, NULL, print);
	acted += serve(stage, &stage->api, NULL, hear_answer);
	acted += serve(stage, &stage->bench, NULL, hear_order);
	for (int i = 0; i < STAGE_BAYS; i++)
		acted += serve(stage, &stage->bays[i].fd, &stage->bays[i], NULL);
	return acted;
}

static int
cut(struct stage *stage)
{
	if (!stage->cut_after || ++stage->half_steps != stage->cut_after)
		return 0;
	stage_kill(stage);
	return 1;
}

int
stage_run(struct stage *stage)
{
	int quiet = 0;

	while (quiet < 3) {
		stage_turn(stage);
		if (cut(stage))
			return 1;
		if (act_all(stage) == 0) {
			quiet++;
			continue;
		}
		quiet = 0;
		if (cut(stage))
			return 1;
	}
	return 0;
}

static int
connect_peer(struct stage *stage, enum program program)
{
	struct message message = { .type = MESSAGE_peer };
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	message.peer = (struct message_peer){ (uint8_t)program, 2000u + program };
	assert_int_equal(ipc_write(stage->mintd, &message, fds[1]), 0);
	close(fds[1]);
	hello(fds[0], program);
	return fds[0];
}

void
stage_meet_ca(struct stage *stage)
{
	stage->ca = connect_peer(stage, PROGRAM_CA);
}

void
stage_lose_ca(struct stage *stage, const struct message *message)
{
	issue(stage, &message->certify);
	close(stage->ca);
	stage->ca = -1;
}

static void
report(struct stage *stage, int bay)
{
	struct message message = { .type = MESSAGE_bay };
	int token = stage->bays[bay].token;
	uint8_t atr[2] = { 0x3b, 0x00 }; /* all of one model */

	message.bay = (struct message_bay){
		.bay = (uint32_t)bay + 1, .reader = "stage reader", .port = stage->bays[bay].port,
		.presence = token < 0 ? PRESENCE_EMPTY : stage->bays[bay].mute ? PRESENCE_MUTE : PRESENCE_TOKEN,
	};
	if (token >= 0 && !stage->bays[bay].mute)
		message.bay.atr = (struct blob){ atr, sizeof atr };
	stage_say(stage->bench, &message);
}

void
stage_station(struct stage *stage, int link, int stopped)
{
	struct message message = { .type = MESSAGE_station };

	message.station = (struct message_station){
		.link = (uint8_t)link, .stopped = (uint8_t)stopped, .serial = "MB-7", .build = "0badcafe",
		.detail = link == STATION_LINK_REFUSED ? "speaks version 9" : "",
	};
	stage_say(stage->bench, &message);
}

void
stage_supply(struct stage *stage, int bay, int supply)
{
	struct message message = { .type = MESSAGE_supply, .supply = { (uint32_t)bay + 1, (uint8_t)supply } };

	stage_say(stage->bench, &message);
}

void
stage_press(struct stage *stage, int button)
{
	struct message message = { .type = MESSAGE_press, .press = { (uint8_t)button } };

	stage_say(stage->bench, &message);
}

void
stage_cycled(struct stage *stage, int bay, int error)
{
	struct message message = { .type = MESSAGE_cycled, .cycled = { (uint32_t)bay + 1, (uint32_t)-error } };

	stage_say(stage->bench, &message);
}

void
stage_learned(struct stage *stage, int bay, int error, const char *port)
{
	struct message message = { .type = MESSAGE_learned, .learned = { (uint32_t)bay + 1, (uint32_t)-error, port, "" } };

	stage_say(stage->bench, &message);
}

void
stage_meet_bench(struct stage *stage)
{
	if (stage->bench >= 0)
		close(stage->bench);
	stage->bench = connect_peer(stage, PROGRAM_BENCH);
	if (stage->config.station_count > 0)
		stage_station(stage, STATION_LINK_UP, 0);
	for (int i = 0; i < STAGE_BAYS; i++) {
		if (stage->config_bays[i].power == CONFIG_POWER_STATION)
			stage_supply(stage, i, SUPPLY_ON);
		report(stage, i);
	}
}

void
stage_fit_station(struct stage *stage)
{
	stage->station = (struct config_station){ .name = (char *)(uintptr_t)"left", .serial = (char *)(uintptr_t)"", .first_bay = 1 };
	stage->config.stations = &stage->station;
	stage->config.station_count = 1;
	stage->config.lines[CONFIG_LINE_LAMP_RED] = (char *)(uintptr_t)"RED";
	for (int i = 0; i < STAGE_BAYS; i++)
		stage->config_bays[i].power = CONFIG_POWER_STATION;
}

void
stage_start(struct stage *stage)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	stage->mintd = fds[0];
	stage->base = event_base_new();
	assert_int_equal(queue_open(stage->base, &stage->config, fds[1], &stage->queue), 0);
	stage->ca = stage->no_ca ? -1 : connect_peer(stage, PROGRAM_CA);
	stage->label = stage->no_label ? -1 : connect_peer(stage, PROGRAM_LABEL);
	stage->api = connect_peer(stage, PROGRAM_API);
	if (!stage->no_bench)
		stage_meet_bench(stage);
}

void
stage_kill(struct stage *stage)
{
	int *const fds[] = { &stage->mintd, &stage->bench, &stage->ca, &stage->label, &stage->api };

	queue_close(&stage->queue);
	event_base_free(stage->base);
	stage->base = NULL;
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	for (int i = 0; i < STAGE_BAYS; i++) {
		if (stage->bays[i].fd >= 0)
			close(stage->bays[i].fd);
		stage->bays[i].fd = -1;
		stage->bays[i].lease = 0;
	}
}

void
stage_insert(struct stage *stage, int bay, int token)
{
	stage->bays[bay].token = token;
	report(stage, bay);
}

void
stage_remove(struct stage *stage, int bay)
{
	stage->bays[bay].token = -1;
	report(stage, bay);
}

void
stage_open(struct stage *stage)
{
	memset(stage, 0, sizeof *stage);
	setenv("MINT_LOG", "error", 0);
	log_open("mint-queue");
	strcpy(stage->directory, "/tmp/mint-queue-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	snprintf(stage->database, sizeof stage->database, "%s/mint.db", stage->directory);
	stage->mintd = stage->bench = stage->ca = stage->label = stage->api = -1;
	for (int i = 0; i < STAGE_BAYS; i++) {
		stage->bays[i].token = stage->bays[i].fd = stage->bays[i].light = -1;
		stage->config_bays[i].number = i + 1;
		stage->config_bays[i].reader = (char *)(uintptr_t)"stage reader";
	}
	for (int i = 0; i < STAGE_TOKENS; i++) {
		stage->tokens[i].content = CONTENT_BLANK;
		snprintf(stage->tokens[i].serial, sizeof stage->tokens[i].serial, "A%03d", i);
	}
	stage->config.bench = (char *)(uintptr_t)"bench-1";
	stage->config.database = stage->database;
	stage->config.calendar = (char *)(uintptr_t)"data/calendar/cn.conf";
	stage->config.ca_profile = (char *)(uintptr_t)"institution";
	stage->config.stock_key_type = (char *)(uintptr_t)"p256";
	stage->config.attempts_max = 3;
	stage->config.step_timeout_ms = 60000;
	stage->config.bays = stage->config_bays;
	stage->config.bay_count = STAGE_BAYS;
}

void
stage_close(struct stage *stage)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".made" };
	char path[128];

	if (stage->queue)
		stage_kill(stage);
	for (int i = 0; i < STAGE_TOKENS; i++)
		EVP_PKEY_free(stage->tokens[i].key);
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(path, sizeof path, "%s%s", stage->database, suffixes[i]);
		unlink(path);
	}
	rmdir(stage->directory);
}

/* --- people */

void
stage_import_text(struct stage *stage, const char *actor, const char *record, const char *held)
{
	struct message message = { .type = MESSAGE_import };

	stage->last_outcome = 0;
	message.import = (struct message_import){ ++stage->calls, actor, record, held };
	stage_say(stage->api, &message);
}

void
stage_import(struct stage *stage, const char *actor, const char *reference, int n, const char *extra)
{
	char record[2048];

	snprintf(record, sizeof record,
	    "{\"reference\":\"%s\",\"kind\":\"new\",\"medium\":\"token\",\"quantity\":%d,\"key_type\":\"p256\","
	    "\"organisation\":{\"name\":\"北京示例有限公司\",\"uscc\":\"91110000101623741K\",\"division\":\"110000\"},"
	    "\"person\":{\"name\":\"张三丰\",\"id_card\":\"11010519491231002X\",\"phone\":\"13800138000\"},"
	    "\"delivery\":{\"method\":\"post\",\"recipient\":\"李四\",\"phone\":\"13900139000\",\"province\":\"北京市\","
	    "\"city\":\"北京市\",\"district\":\"海淀区\",\"address\":\"中关村南大街甲12号\"}%s%s}",
	    reference, n, strstr(extra, "approved_at") ? "" : ",\"approved_at\":\"2026-01-05T09:00:00+08:00\"", extra);
	stage_import_text(stage, actor, record, "");
}

int
stage_command(struct stage *stage, const char *actor, const char *verb, const char *object, const char *arguments)
{
	struct message message = { .type = MESSAGE_command };

	stage->last_error = 1;
	message.command = (struct message_command){ ++stage->calls, actor, verb, object, arguments };
	stage_say(stage->api, &message);
	if (stage_run(stage))
		return 1;
	assert_int_not_equal(stage->last_error, 1);
	return stage->last_error;
}

static int
pack_taken(struct stage *stage)
{
	char tokens[128], reference[64], serial[64];

	snprintf(serial, sizeof serial, "%s", stage_sql(stage,
	    "SELECT t.serial FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id "
	    "JOIN application a ON a.id = c.application_id WHERE c.state = 'taken' AND a.state <> 'held' LIMIT 1"));
	if (!serial[0])
		return 0;
	snprintf(reference, sizeof reference, "%s", stage_sql(stage,
	    "SELECT a.reference FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id "
	    "JOIN application a ON a.id = c.application_id WHERE t.serial = '%s' AND u.ended_at IS NULL", serial));
	snprintf(tokens, sizeof tokens, "{\"tokens\":[\"%s\"]}", serial);
	stage_command(stage, "uid:1000(op)", "pack", reference, tokens);
	return 1;
}

static int
next_blank(const struct stage *stage)
{
	for (int i = 0; i < STAGE_TOKENS; i++) {
		int used = stage->tokens[i].content != CONTENT_BLANK || stage->tokens[i].initialised ||
		           stage->tokens[i].laid_aside;

		for (int b = 0; b < STAGE_BAYS; b++)
			used |= stage->bays[b].token == i;
		if (!used)
			return i;
	}
	return -1;
}

/* One thing that a person would do now; 0 when there is nothing. */
static int
hand(struct stage *stage, int bay)
{
	const char *state = stage_sql(stage, "SELECT state FROM bay WHERE bay = %d", bay + 1);

	if (strcmp(state, "trouble") == 0 && stage->bays[bay].token >= 0)
		stage->tokens[stage->bays[bay].token].laid_aside = 1;
	if (strcmp(state, "take") == 0 || strcmp(state, "trouble") == 0 || strcmp(state, "stock") == 0)
		stage_remove(stage, bay);
	else if (strcmp(state, "empty") == 0 && next_blank(stage) >= 0 &&
	         strcmp(stage_sql(stage, "SELECT (SELECT count(*) FROM credential WHERE state = 'waiting' AND claimable = 1) + "
	             "(SELECT count(*) FROM stock_order WHERE ended_at IS NULL)"), "0") != 0)
		stage_insert(stage, bay, next_blank(stage));
	else
		return 0;
	return 1;
}

int
stage_operate(struct stage *stage)
{
	int did = 1;

	while (did) {
		if (stage_run(stage))
			return 1;
		did = 0;
		for (int i = 0; i < STAGE_BAYS; i++)
			did += hand(stage, i);
		if (!did)
			did = pack_taken(stage);
		if (!stage->queue)
			return 1;
	}
	return 0;
}

/* --- laws */

void
stage_check_laws(struct stage *stage)
{
	assert_sql(stage, "ok", "PRAGMA integrity_check");
	assert_sql(stage, "", "SELECT name FROM credential c WHERE (SELECT count(*) FROM certificate r WHERE r.credential_id = c.id "
	    "AND r.state NOT IN ('refused', 'revoked')) > 1");
	assert_sql(stage, "", "SELECT name FROM credential c WHERE state IN ('verified', 'sealed', 'taken', 'packed') AND NOT EXISTS "
	    "(SELECT 1 FROM proof p WHERE p.use_id = c.use_id)");
	assert_sql(stage, "", "SELECT name FROM credential c WHERE state IN ('sealed', 'taken', 'packed') AND NOT EXISTS "
	    "(SELECT 1 FROM pin_envelope e WHERE e.use_id = c.use_id AND e.set_at IS NOT NULL)");
	assert_sql(stage, "", "SELECT reference FROM application a WHERE state = 'issued' AND (EXISTS (SELECT 1 FROM credential c "
	    "WHERE c.application_id = a.id AND c.state NOT IN ('packed', 'revoked')) OR NOT EXISTS (SELECT 1 FROM parcel p JOIN "
	    "print_job j ON j.parcel_id = p.id WHERE p.application_id = a.id AND j.state = 'printed'))");
	/* By serial number; the marker stands behind it where the number was shared when it was printed. */
	assert_sql(stage, "", "SELECT reference FROM application a WHERE state = 'issued' AND (SELECT json_group_array(serial) FROM "
	    "(SELECT t.serial FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id WHERE "
	    "c.application_id = a.id AND c.state <> 'revoked' ORDER BY c.ordinal)) <> (SELECT (SELECT json_group_array(substr(value, 1, "
	    "instr(value || ' ', ' ') - 1)) FROM json_each(j.tokens)) FROM print_job j JOIN parcel p ON p.id = j.parcel_id WHERE "
	    "p.application_id = a.id AND j.state = 'printed' ORDER BY copy DESC LIMIT 1)");
	for (int i = 0; i < stage->issued_count; i++) {
		char live[8];

		snprintf(live, sizeof live, "%s", stage_sql(stage, "SELECT count(*) FROM certificate WHERE id = %llu AND state IN "
		    "('refused', 'revoked')", (unsigned long long)stage->issued[i].request_id));
		if (strcmp(live, "1") == 0)
			assert_true(stage->issued[i].revoked); /* given up in the record, alive at the CA */
	}
}

void
stage_let_files_grow(int may)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = may ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_FSIZE, &limit);
}

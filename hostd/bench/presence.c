#include "hostd/bench/presence.h"
#include "hostd/base/assign.h"
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "hostd/bench/usb_path.h"
#include "schemas/errors.h"

#include <poll.h>
#include <pthread.h>
#include <reader.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

enum { RETRY_FIRST_MS = 20, RETRY_MAX_MS = 2000, PORT_RETRY_FIRST_MS = 50, PORT_RETRY_MAX_MS = 5000 };

/* Upper half of SCARD_ATTR_CHANNEL_ID of a reader on USB; bus and address are the bytes below (PC/SC part 3, 3.1.1). */
enum { CHANNEL_USB = 0x0020 };

static const char plug_and_play[] = "\\\\?PnP?\\Notification";

struct reader {
	int               is_there;
	unsigned          coming;    /* of a question for its port: tells this reader from one of its name that was there before */
	int               reported;  /* enum presence, −1 before the first report */
	int               port_known;
	unsigned          pause_ms;  /* before the port is asked for again */
	char              name[ASSIGN_READER_MAX + 1];
	char              port[USB_PATH_BYTES];
	SCARD_READERSTATE row;
};

/* Asks for the port of whatever reader has its place. */
struct asker {
	struct watch *watch;
	size_t        place;
};

/* One row for each reader, and behind them the row that tells of readers coming and going. The readers are all threads' under `lock`;
 * rows are the first one's alone but for the ATR. */
struct watch {
	int               report_fd;
	int               alone;        /* nobody reads what is reported */
	const char       *pcscd;        /* its socket, for people */
	SCARDCONTEXT      context;
	int               retry_ms;
	unsigned          comings;
	pthread_mutex_t   lock;
	pthread_cond_t    came;         /* a reader whose port is to be asked for, or one is gone */
	struct asker      askers[PCSCLITE_MAX_READERS_CONTEXTS];
	struct reader     readers[PCSCLITE_MAX_READERS_CONTEXTS];
	SCARD_READERSTATE used[PCSCLITE_MAX_READERS_CONTEXTS + 1];
	size_t            reader_of[PCSCLITE_MAX_READERS_CONTEXTS]; /* of each row in use */
};

/* --- what is told */

static void
tell(struct watch *watch, const struct message *message)
{
	watch->alone |= ipc_write(watch->report_fd, message, -1) != 0;
}

static void
tell_all_said(struct watch *watch)
{
	const struct message message = { .type = MESSAGE_bay };

	tell(watch, &message);
}

static void
tell_reader(struct watch *watch, const struct reader *reader)
{
	struct message message = { .type = MESSAGE_bay };

	message.bay.presence = (uint8_t)reader->reported;
	message.bay.reader = reader->name;
	message.bay.port = reader->port_known ? reader->port : PRESENCE_PORT_ASKED;
	if (reader->reported == PRESENCE_TOKEN)
		message.bay.atr = (struct blob){ reader->row.rgbAtr, (uint32_t)reader->row.cbAtr };
	tell(watch, &message);
}

static void
report(struct watch *watch, struct reader *reader, enum presence shown)
{
	if (reader->reported == (int)shown)
		return;
	reader->reported = (int)shown;
	tell_reader(watch, reader);
}

/* --- presence */

static enum presence
shown_by(const SCARD_READERSTATE *row)
{
	DWORD state = row->dwEventState;

	if (state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_IGNORE))
		return PRESENCE_NO_READER;
	if (!(state & SCARD_STATE_PRESENT))
		return PRESENCE_EMPTY;
	return state & SCARD_STATE_MUTE || row->cbAtr == 0 ? PRESENCE_MUTE : PRESENCE_TOKEN;
}

/* The high word counts insertions and removals, beginning with 0 for each reader that comes (pcsc-lite). More than the one that its state
 * shows, or fewer than before: another token, or another reader that got the name of one that left. */
static int
may_be_another(const SCARD_READERSTATE *row)
{
	unsigned steps = (unsigned)((row->dwEventState >> 16) - (row->dwCurrentState >> 16)) & 0xffff;
	unsigned shown = (row->dwCurrentState ^ row->dwEventState) & SCARD_STATE_PRESENT ? 1 : 0;

	return steps != shown;
}

/* Until it is known anew, nothing that the reader shows belongs to a bay. */
static void
forget_port(struct watch *watch, struct reader *reader)
{
	reader->port_known = 0;
	reader->pause_ms = PORT_RETRY_FIRST_MS;
	reader->coming = ++watch->comings;
	pthread_cond_broadcast(&watch->came);
}

/* What comes back after pcscd did not know it, or could not speak with it, may be another one that got the free name. */
static void
take_change(struct watch *watch, struct reader *reader)
{
	SCARD_READERSTATE *row = &reader->row;
	enum presence shown = shown_by(row);

	if (!(row->dwEventState & SCARD_STATE_CHANGED) && reader->reported >= 0)
		return;
	if (reader->reported == PRESENCE_NO_READER) {
		forget_port(watch, reader);
	} else if (reader->reported >= 0 && shown != PRESENCE_NO_READER && may_be_another(row)) {
		forget_port(watch, reader);
		report(watch, reader, PRESENCE_EMPTY);
	}
	report(watch, reader, shown);
	row->dwCurrentState = row->dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
}

/* --- readers coming and going */

static int
is_listed(const char *names, const char *name)
{
	for (; *names; names += strlen(names) + 1)
		if (strcmp(names, name) == 0)
			return 1;
	return 0;
}

static struct reader *
reader_named(struct watch *watch, const char *name)
{
	for (size_t i = 0; i < PCSCLITE_MAX_READERS_CONTEXTS; i++)
		if (watch->readers[i].is_there && strcmp(watch->readers[i].name, name) == 0)
			return &watch->readers[i];
	return NULL;
}

static void
take_leave(struct watch *watch, struct reader *reader)
{
	if (reader->reported >= 0)
		report(watch, reader, PRESENCE_NO_READER);
	reader->is_there = 0;
	pthread_cond_broadcast(&watch->came);
}

static void
welcome(struct watch *watch, const char *name)
{
	struct reader *reader = watch->readers;

	while (reader < watch->readers + PCSCLITE_MAX_READERS_CONTEXTS && reader->is_there)
		reader++;
	if (reader == watch->readers + PCSCLITE_MAX_READERS_CONTEXTS || strlen(name) > ASSIGN_READER_MAX)
		return; /* more than pcscd serves */
	*reader = (struct reader){ .is_there = 1, .reported = -1 };
	memcpy(reader->name, name, strlen(name) + 1);
	reader->row = (SCARD_READERSTATE){ .szReader = reader->name, .dwCurrentState = SCARD_STATE_UNAWARE };
	forget_port(watch, reader);
}

static void
take_list(struct watch *watch)
{
	DWORD length = SCARD_AUTOALLOCATE;
	char *names = NULL;
	const char *listed = SCardListReaders(watch->context, NULL, (LPSTR)(void *)&names, &length) == SCARD_S_SUCCESS ? names : "";

	for (size_t i = 0; i < PCSCLITE_MAX_READERS_CONTEXTS; i++)
		if (watch->readers[i].is_there && !is_listed(listed, watch->readers[i].name))
			take_leave(watch, &watch->readers[i]);
	for (const char *name = listed; *name; name += strlen(name) + 1)
		if (!reader_named(watch, name))
			welcome(watch, name);
	if (names)
		SCardFreeMemory(watch->context, names);
}

/* One wait for any change. pcscd answers for so many readers and no more at once, and serves no more: while all are watched none can
 * come, and of one that goes its own row tells. */
static LONG
wait_for_change(struct watch *watch, SCARD_READERSTATE *plugging, DWORD timeout_ms)
{
	DWORD count = 0, plugs;
	LONG r;

	for (size_t i = 0; i < PCSCLITE_MAX_READERS_CONTEXTS; i++) {
		if (!watch->readers[i].is_there)
			continue;
		watch->reader_of[count] = i;
		watch->used[count++] = watch->readers[i].row;
	}
	plugs = count < PCSCLITE_MAX_READERS_CONTEXTS ? 1 : 0;
	watch->used[count] = *plugging;
	pthread_mutex_unlock(&watch->lock);
	r = SCardGetStatusChange(watch->context, timeout_ms, watch->used, count + plugs);
	pthread_mutex_lock(&watch->lock);
	if (r != SCARD_S_SUCCESS && !(r == SCARD_E_TIMEOUT && timeout_ms == 0))
		return r;
	for (DWORD i = 0; i < count; i++) {
		struct reader *reader = &watch->readers[watch->reader_of[i]];

		reader->row = watch->used[i];
		take_change(watch, reader);
	}
	if (plugs)
		plugging->dwCurrentState = watch->used[count].dwEventState;
	return SCARD_S_SUCCESS;
}

/* pcscd went, or is not there yet: no bay has a reader until it is back. */
static void
wait_for_pcscd(struct watch *watch, LONG why)
{
	struct pollfd listener = { .fd = watch->report_fd };

	if (watch->retry_ms == RETRY_FIRST_MS)
		log_warning("%s: pcscd: %s: is it running? trying again", watch->pcscd, pcsc_stringify_error(why));
	for (size_t i = 0; i < PCSCLITE_MAX_READERS_CONTEXTS; i++)
		if (watch->readers[i].is_there)
			take_leave(watch, &watch->readers[i]);
	tell_all_said(watch);
	pthread_mutex_unlock(&watch->lock);
	watch->alone |= poll(&listener, 1, watch->retry_ms) > 0; /* asked for nothing but the other end's hanging up */
	pthread_mutex_lock(&watch->lock);
	if (watch->retry_ms < RETRY_MAX_MS)
		watch->retry_ms *= 2;
}

static LONG
watch_until_it_fails(struct watch *watch)
{
	SCARD_READERSTATE plugging = { .szReader = plug_and_play, .dwCurrentState = SCARD_STATE_UNAWARE };
	LONG r = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &watch->context);
	DWORD timeout_ms = 0; /* the first look answers at once */

	if (r != SCARD_S_SUCCESS)
		return r;
	while (r == SCARD_S_SUCCESS && !watch->alone) {
		take_list(watch);
		r = wait_for_change(watch, &plugging, timeout_ms);
		if (r != SCARD_S_SUCCESS)
			break;
		if (timeout_ms == 0)
			tell_all_said(watch);
		watch->retry_ms = RETRY_FIRST_MS;
		timeout_ms = INFINITE;
	}
	SCardReleaseContext(watch->context);
	return r;
}

/* --- ports: a thread for each reader that pcscd can serve */

/* A driver that does not know has said so for good. */
static LONG
ask_channel(SCARDCONTEXT context, const char *name, DWORD *channel)
{
	DWORD protocol, length = sizeof *channel;
	SCARDHANDLE handle;
	LONG r = SCardConnect(context, name, SCARD_SHARE_DIRECT, 0, &handle, &protocol);

	*channel = 0;
	if (r != SCARD_S_SUCCESS)
		return r;
	r = SCardGetAttrib(handle, SCARD_ATTR_CHANNEL_ID, (LPBYTE)channel, &length);
	SCardDisconnect(handle, SCARD_LEAVE_CARD);
	return r == SCARD_E_UNSUPPORTED_FEATURE ? SCARD_S_SUCCESS : r;
}

/* 0, or −1: it cannot be told now, ask again: somebody has the reader for himself, pcscd or the reader is just coming or going. A reader that
 * is not on USB, and one whose driver does not know, have no port. */
static int
find_port(const char *name, char port[USB_PATH_BYTES])
{
	SCARDCONTEXT context;
	DWORD channel;
	LONG r = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);

	port[0] = '\0';
	if (r != SCARD_S_SUCCESS)
		return -1;
	r = ask_channel(context, name, &channel);
	SCardReleaseContext(context);
	if (r != SCARD_S_SUCCESS)
		return -1;
	return channel >> 16 == CHANNEL_USB ? usb_path_of_address(channel >> 8 & 0xff, channel & 0xff, port) : 0;
}

/* Less when another reader has taken the place, or the same one came anew. */
static void
wait_before_asking_again(struct watch *watch, const struct reader *reader, unsigned coming)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += reader->pause_ms / 1000;
	until.tv_nsec += reader->pause_ms % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (r == 0 && reader->is_there && reader->coming == coming)
		r = pthread_cond_clockwait(&watch->came, &watch->lock, CLOCK_MONOTONIC, &until);
}

static void
take_port(struct watch *watch, struct reader *reader, const char *port)
{
	reader->port_known = 1;
	memcpy(reader->port, port, strlen(port) + 1);
	if (reader->reported >= 0)
		tell_reader(watch, reader);
}

/* One thread a place: pcscd lets a connection wait as long as a worker's transaction lasts, and no other reader must wait with it. */
static void *
ask_for_ports(void *argument)
{
	const struct asker *asker = argument;
	struct watch *watch = asker->watch;
	struct reader *reader = &watch->readers[asker->place], asked;
	int failed;

	pthread_mutex_lock(&watch->lock);
	for (;;) {
		if (!reader->is_there || reader->port_known || reader->reported == PRESENCE_NO_READER) {
			pthread_cond_wait(&watch->came, &watch->lock);
			continue;
		}
		asked = *reader;
		pthread_mutex_unlock(&watch->lock);
		failed = find_port(asked.name, asked.port);
		pthread_mutex_lock(&watch->lock);
		if (!reader->is_there || reader->coming != asked.coming)
			continue;
		if (failed == 0) {
			take_port(watch, reader, asked.port);
			continue;
		}
		wait_before_asking_again(watch, reader, asked.coming);
		if (reader->coming == asked.coming && reader->pause_ms < PORT_RETRY_MAX_MS)
			reader->pause_ms *= 2;
	}
	return NULL;
}

static int
start_askers(struct watch *watch)
{
	pthread_t thread;
	int r = 0;

	for (size_t i = 0; i < PCSCLITE_MAX_READERS_CONTEXTS && r == 0; i++) {
		watch->askers[i] = (struct asker){ watch, i };
		r = pthread_create(&thread, NULL, ask_for_ports, &watch->askers[i]);
	}
	if (r != 0)
		log_error("the watch over the readers has not all of its threads: %s", strerror(r));
	return r == 0 ? 0 : MINT_SYSTEM;
}

int
presence_watch(const struct config *config, size_t pcscd, int report_fd)
{
	static struct watch watch; /* the other threads', too, until the process ends */

	watch = (struct watch){
		.report_fd = report_fd, .retry_ms = RETRY_FIRST_MS, .pcscd = config_pcscd_path(&config->pcscds[pcscd]),
		.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER,
	};
	config_pcscd_choose(&config->pcscds[pcscd]);
	pthread_mutex_lock(&watch.lock);
	if (start_askers(&watch) != 0)
		return MINT_SYSTEM;
	while (!watch.alone)
		wait_for_pcscd(&watch, watch_until_it_fails(&watch));
	return 0;
}

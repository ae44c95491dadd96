#include "hostd/bench/presence.h"
#include "hostd/base/assign.h"
#include "hostd/base/config.h"
#include "hostd/base/ipc.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

enum { RETRY_FIRST_MS = 20, RETRY_MAX_MS = 2000 };

static const char plug_and_play[] = "\\\\?PnP?\\Notification";

/* One row for each bay whose reader has a name now, and behind them the row that tells of readers coming and going. */
struct watch {
	const struct config *config;
	size_t               pcscd;
	int                  report_fd;
	int                  alone;        /* nobody reads what is reported */
	SCARDCONTEXT         context;
	struct assigned     *assigned;     /* of each bay */
	struct assigned     *watched;      /* the reader that the bay's row stands for, with what is known of it */
	SCARD_READERSTATE   *rows;         /* of each bay; those in use are copied into `used` for a call */
	SCARD_READERSTATE   *used;
	size_t              *bay_of;       /* of each row in use */
	int                 *reported;     /* enum presence, −1 before the first report */
	int                  retry_ms;
};

static size_t
bay_count(const struct watch *watch)
{
	return watch->config->bay_count;
}

static void
report(struct watch *watch, size_t i, enum presence shown)
{
	const SCARD_READERSTATE *row = &watch->rows[i];
	struct message message = { .type = MESSAGE_bay };

	if (watch->reported[i] == (int)shown)
		return;
	watch->reported[i] = (int)shown;
	message.bay.bay = (uint32_t)watch->config->bays[i].number;
	message.bay.presence = (uint8_t)shown;
	message.bay.reader = watch->assigned[i].reader;
	if (shown == PRESENCE_TOKEN)
		message.bay.atr = (struct blob){ row->rgbAtr, (uint32_t)row->cbAtr };
	watch->alone |= ipc_write(watch->report_fd, &message, -1) != 0;
}

/* A bay without a reader. One that is named by a pattern is a token with a reader of its own that is not plugged in: a place
 * for one, not a fault. */
static void
report_absent(struct watch *watch, size_t i)
{
	report(watch, i, config_bay_is_pattern(&watch->config->bays[i]) ? PRESENCE_EMPTY : PRESENCE_NO_READER);
}

static int
is_watched(const struct watch *watch, size_t i)
{
	return !config_bay_is_slot(&watch->config->bays[i]) && watch->config->bays[i].pcscd == watch->pcscd;
}

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

/* The high word counts insertions and removals (pcsc-lite): two more since the last look is another token. */
static int
was_swapped(const SCARD_READERSTATE *row)
{
	DWORD before = row->dwCurrentState >> 16, now = row->dwEventState >> 16;

	return (row->dwCurrentState & SCARD_STATE_PRESENT) && (row->dwEventState & SCARD_STATE_PRESENT) && now != before;
}

static void
take_change(struct watch *watch, size_t i)
{
	SCARD_READERSTATE *row = &watch->rows[i];
	enum presence shown = shown_by(row);

	if (!(row->dwEventState & SCARD_STATE_CHANGED) && watch->reported[i] >= 0)
		return;
	if (was_swapped(row))
		report(watch, i, PRESENCE_EMPTY);
	if (shown == PRESENCE_NO_READER)
		report_absent(watch, i);
	else
		report(watch, i, shown);
	row->dwCurrentState = row->dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
}

/* Gives each bay its reader again. A bay that got another one begins afresh: what was in the first is gone. */
static void
assign(struct watch *watch)
{
	DWORD length = SCARD_AUTOALLOCATE;
	char *names = NULL;
	LONG r = SCardListReaders(watch->context, NULL, (LPSTR)(void *)&names, &length);

	assign_readers(watch->config, watch->pcscd, r == SCARD_S_SUCCESS ? names : "", watch->assigned);
	if (r == SCARD_S_SUCCESS)
		SCardFreeMemory(watch->context, names);
	for (size_t i = 0; i < bay_count(watch); i++) {
		int same = strcmp(watch->watched[i].reader, watch->assigned[i].reader) == 0;

		if (is_watched(watch, i) && (!watch->assigned[i].reader[0] || (!same && watch->watched[i].reader[0])))
			report_absent(watch, i);
		if (same)
			continue;
		watch->watched[i] = watch->assigned[i];
		watch->rows[i] = (SCARD_READERSTATE){ .szReader = watch->watched[i].reader, .dwCurrentState = SCARD_STATE_UNAWARE };
	}
}

/* One wait for any change. pcscd answers for so many readers and no more at once, and serves no more: while all are watched none can
 * come, and of one that goes its own row tells. */
static LONG
wait_for_change(struct watch *watch, SCARD_READERSTATE *plugging, DWORD timeout_ms)
{
	DWORD count = 0, plugs;
	LONG r;

	for (size_t i = 0; i < bay_count(watch) && count < PCSCLITE_MAX_READERS_CONTEXTS; i++) {
		if (!watch->watched[i].reader[0])
			continue;
		watch->bay_of[count] = i;
		watch->used[count++] = watch->rows[i];
	}
	plugs = count < PCSCLITE_MAX_READERS_CONTEXTS ? 1 : 0;
	watch->used[count] = *plugging;
	r = SCardGetStatusChange(watch->context, timeout_ms, watch->used, count + plugs);
	if (r != SCARD_S_SUCCESS && !(r == SCARD_E_TIMEOUT && timeout_ms == 0))
		return r;
	for (DWORD i = 0; i < count; i++) {
		watch->rows[watch->bay_of[i]] = watch->used[i];
		take_change(watch, watch->bay_of[i]);
	}
	if (plugs)
		plugging->dwCurrentState = watch->used[count].dwEventState;
	return SCARD_S_SUCCESS;
}

/* pcscd went, or is not there yet: no bay has a reader until it is back. */
static void
wait_for_pcscd(struct watch *watch, LONG why)
{
	struct pollfd reader = { .fd = watch->report_fd };

	if (watch->retry_ms == RETRY_FIRST_MS)
		log_warning("%s: pcscd: %s: is it running? trying again", config_pcscd_path(&watch->config->pcscds[watch->pcscd]),
		    pcsc_stringify_error(why));
	for (size_t i = 0; i < bay_count(watch); i++)
		if (is_watched(watch, i))
			report(watch, i, PRESENCE_NO_READER);
	watch->alone |= poll(&reader, 1, watch->retry_ms) > 0; /* asked for nothing but the other end's hanging up */
	if (watch->retry_ms < RETRY_MAX_MS)
		watch->retry_ms *= 2;
}

static LONG
watch_until_it_fails(struct watch *watch)
{
	SCARD_READERSTATE plugging = { .szReader = plug_and_play, .dwCurrentState = SCARD_STATE_UNAWARE };
	LONG r = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &watch->context);

	if (r != SCARD_S_SUCCESS)
		return r;
	memset(watch->watched, 0, bay_count(watch) * sizeof *watch->watched);
	for (DWORD timeout_ms = 0; r == SCARD_S_SUCCESS && !watch->alone; timeout_ms = INFINITE) { /* the first look answers at once */
		assign(watch);
		r = wait_for_change(watch, &plugging, timeout_ms);
		if (r == SCARD_S_SUCCESS)
			watch->retry_ms = RETRY_FIRST_MS;
	}
	SCardReleaseContext(watch->context);
	return r;
}

static int
make_room(struct watch *watch)
{
	size_t count = bay_count(watch) + 1;

	watch->rows = calloc(count, sizeof *watch->rows);
	watch->used = calloc(count, sizeof *watch->used);
	watch->bay_of = calloc(count, sizeof *watch->bay_of);
	watch->assigned = calloc(count, sizeof *watch->assigned);
	watch->watched = calloc(count, sizeof *watch->watched);
	watch->reported = calloc(count, sizeof *watch->reported);
	if (!watch->rows || !watch->used || !watch->bay_of || !watch->assigned || !watch->watched || !watch->reported)
		return MINT_MEMORY;
	for (size_t i = 0; i < count; i++)
		watch->reported[i] = -1;
	return 0;
}

static void
give_back(struct watch *watch)
{
	free(watch->rows);
	free(watch->used);
	free(watch->bay_of);
	free(watch->assigned);
	free(watch->watched);
	free(watch->reported);
}

int
presence_watch(const struct config *config, size_t pcscd, int report_fd)
{
	struct watch watch = { .config = config, .pcscd = pcscd, .report_fd = report_fd, .retry_ms = RETRY_FIRST_MS };
	int r = make_room(&watch);

	config_pcscd_choose(&config->pcscds[pcscd]);
	while (r == 0 && !watch.alone)
		wait_for_pcscd(&watch, watch_until_it_fails(&watch));
	give_back(&watch);
	return r;
}

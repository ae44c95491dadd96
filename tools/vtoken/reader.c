/* vpcd-quick.so: vpcd's reader driver with quick presence, as the readers of real USB tokens have it.
 *
 * pcscd looks every 400 ms whether a card is there, except with drivers that bring a function to wait for the next
 * look; CCID drivers have one, vpcd has none. A virtual bench would lose up to 0.8 s each time a token is changed. This
 * driver loads vpcd and passes every call on, with two answers of its own: such a function, which waits for the reader's
 * bell (bell.h), and one slot instead of two. Made for pcsc-lite's IFD handler interface 3.0 (PCSC/ifdhandler.h).
 *
 * The real driver is DIR/vpcd-N.so for a copy of this one at DIR/quick-N.so: vpcd keeps its cards in variables of its
 * own, so each reader needs copies of both.
 */
#include <PCSC/wintypes.h>

#include <PCSC/ifdhandler.h>

#include "tools/vtoken/bell.h"

#include <dlfcn.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_PREFIX "quick-"
#define REAL_PREFIX "vpcd-"
#define LOOK_MS 20 /* also with a bell: tokens that are killed do not ring */

static struct {
	RESPONSECODE (*create_by_name)(DWORD, LPSTR);
	RESPONSECODE (*create)(DWORD, DWORD);
	RESPONSECODE (*close)(DWORD);
	RESPONSECODE (*control)(DWORD, DWORD, PUCHAR, DWORD, PUCHAR, DWORD, LPDWORD);
	RESPONSECODE (*get)(DWORD, DWORD, PDWORD, PUCHAR);
	RESPONSECODE (*set)(DWORD, DWORD, DWORD, PUCHAR);
	RESPONSECODE (*protocol)(DWORD, DWORD, UCHAR, UCHAR, UCHAR, UCHAR);
	RESPONSECODE (*power)(DWORD, DWORD, PUCHAR, PDWORD);
	RESPONSECODE (*transmit)(DWORD, SCARD_IO_HEADER, PUCHAR, DWORD, PUCHAR, PDWORD, PSCARD_IO_HEADER);
	RESPONSECODE (*presence)(DWORD);
} real;

static const struct {
	const char *name;
	void *place;
} calls[] = {
	{ "IFDHCreateChannelByName", &real.create_by_name },
	{ "IFDHCreateChannel", &real.create },
	{ "IFDHCloseChannel", &real.close },
	{ "IFDHControl", &real.control },
	{ "IFDHGetCapabilities", &real.get },
	{ "IFDHSetCapabilities", &real.set },
	{ "IFDHSetProtocolParameters", &real.protocol },
	{ "IFDHPowerICC", &real.power },
	{ "IFDHTransmitToICC", &real.transmit },
	{ "IFDHICCPresence", &real.presence },
};

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static int loaded;

/* Where the real driver lies: beside this one, by the other prefix. */
static int
real_path(char *path, size_t size)
{
	Dl_info own;
	const char *base;

	if (!dladdr((void *)calls, &own))
		return -1;
	base = strrchr(own.dli_fname, '/');
	if (!base || strncmp(base + 1, OWN_PREFIX, strlen(OWN_PREFIX)))
		return -1;
	return snprintf(path, size, "%.*s/" REAL_PREFIX "%s", (int)(base - own.dli_fname), own.dli_fname,
			base + 1 + strlen(OWN_PREFIX)) < (int)size ? 0 : -1;
}

static RESPONSECODE
load(void)
{
	char path[PATH_MAX];
	void *library, *symbol;

	pthread_mutex_lock(&loading);
	library = loaded || real_path(path, sizeof path) ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
	for (size_t n = 0; library && n < sizeof calls / sizeof calls[0]; n++) {
		symbol = dlsym(library, calls[n].name);
		if (!symbol)
			break;
		memcpy(calls[n].place, &symbol, sizeof symbol);
		loaded = n + 1 == sizeof calls / sizeof calls[0];
	}
	pthread_mutex_unlock(&loading);
	return loaded ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

static int bell = -1;

/* The port stands behind the device's colon: "/dev/null:35963". A name that another driver holds is done without. */
static void
hang_bell(const char *device)
{
	const char *port = device ? strrchr(device, ':') : NULL;
	struct sockaddr_un address;
	socklen_t length = bell_address(&address, port ? (unsigned)strtoul(port + 1, NULL, 0) : 0);

	if (!port || bell >= 0)
		return;
	bell = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bell >= 0 && bind(bell, (struct sockaddr *)&address, length) != 0) {
		close(bell);
		bell = -1;
	}
}

/* pcscd looks at the card each time this returns. */
static RESPONSECODE
wait_for_look(DWORD Lun, int timeout)
{
	struct pollfd rung = { .fd = bell, .events = POLLIN };
	char rings[8];

	(void)Lun;
	(void)timeout;
	poll(&rung, 1, LOOK_MS);
	while (bell >= 0 && recv(bell, rings, sizeof rings, 0) >= 0)
		continue;
	return IFD_SUCCESS;
}

RESPONSECODE
IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
	if (load() != IFD_SUCCESS)
		return IFD_COMMUNICATION_ERROR;
	hang_bell(DeviceName);
	return real.create_by_name(Lun, DeviceName);
}

RESPONSECODE
IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
	return load() == IFD_SUCCESS ? real.create(Lun, Channel) : IFD_COMMUNICATION_ERROR;
}

RESPONSECODE
IFDHCloseChannel(DWORD Lun)
{
	if (bell >= 0)
		close(bell);
	bell = -1;
	return real.close(Lun);
}

RESPONSECODE
IFDHControl(DWORD Lun, DWORD dwControlCode, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer, DWORD RxLength,
	    LPDWORD pdwBytesReturned)
{
	return real.control(Lun, dwControlCode, TxBuffer, TxLength, RxBuffer, RxLength, pdwBytesReturned);
}

RESPONSECODE
IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
	RESPONSECODE (*wait)(DWORD, int) = wait_for_look;

	if (Tag == TAG_IFD_SLOTS_NUMBER && *Length >= 1) {
		*Value = 1;
		*Length = 1;
		return IFD_SUCCESS;
	}
	if (Tag == TAG_IFD_POLLING_THREAD_WITH_TIMEOUT && *Length >= sizeof wait) {
		memcpy(Value, &wait, sizeof wait);
		*Length = sizeof wait;
		return IFD_SUCCESS;
	}
	return real.get(Lun, Tag, Length, Value);
}

RESPONSECODE
IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
	return real.set(Lun, Tag, Length, Value);
}

RESPONSECODE
IFDHSetProtocolParameters(DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2, UCHAR PTS3)
{
	return real.protocol(Lun, Protocol, Flags, PTS1, PTS2, PTS3);
}

RESPONSECODE
IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
	return real.power(Lun, Action, Atr, AtrLength);
}

RESPONSECODE
IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer,
		  PDWORD RxLength, PSCARD_IO_HEADER RecvPci)
{
	return real.transmit(Lun, SendPci, TxBuffer, TxLength, RxBuffer, RxLength, RecvPci);
}

RESPONSECODE
IFDHICCPresence(DWORD Lun)
{
	return real.presence(Lun);
}

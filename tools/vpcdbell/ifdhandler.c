/* A bell for vpcd: pcscd's driver for virtual readers, told at once when a virtual token comes or goes.
 *
 * vpcd offers pcscd no event, so pcscd looks every 400 ms; a USB reader's driver is woken by its interrupt pipe. This driver
 * hands every call on to vpcd, unchanged, and adds just that wake-up: it waits on the Unix datagram socket
 * $VPCD_BELL/PORT, where whoever puts a token into the slot behind PORT sends one byte for each coming and each going.
 * Without VPCD_BELL, or for a port that nobody rings, everything is as with vpcd alone.
 *
 * Source: pcsc-lite's ifdhandler.h (IFD handler 3.0), TAG_IFD_POLLING_THREAD_WITH_TIMEOUT. Built as a shared object;
 * $VPCD_DRIVER names vpcd. Each entry of reader.conf needs a copy of both, because vpcd keeps one card a library.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <ifdhandler.h>
#include <poll.h>
#include <reader.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SLOTS = 2 /* of Debian's vpcd */ };

/* vpcd's own functions, found once. */
static struct {
	RESPONSECODE (*create_channel_by_name)(DWORD, LPSTR);
	RESPONSECODE (*create_channel)(DWORD, DWORD);
	RESPONSECODE (*close_channel)(DWORD);
	RESPONSECODE (*get_capabilities)(DWORD, DWORD, PDWORD, PUCHAR);
	RESPONSECODE (*set_capabilities)(DWORD, DWORD, DWORD, PUCHAR);
	RESPONSECODE (*set_protocol_parameters)(DWORD, DWORD, UCHAR, UCHAR, UCHAR, UCHAR);
	RESPONSECODE (*power_icc)(DWORD, DWORD, PUCHAR, PDWORD);
	RESPONSECODE (*transmit_to_icc)(DWORD, SCARD_IO_HEADER, PUCHAR, DWORD, PUCHAR, PDWORD, PSCARD_IO_HEADER);
	RESPONSECODE (*icc_presence)(DWORD);
	RESPONSECODE (*control)(DWORD, DWORD, PUCHAR, DWORD, PUCHAR, DWORD, LPDWORD);
} vpcd;

static const struct {
	const char *name;
	void      **place;
} functions[] = {
	{ "IFDHCreateChannelByName", (void **)&vpcd.create_channel_by_name },
	{ "IFDHCreateChannel", (void **)&vpcd.create_channel },
	{ "IFDHCloseChannel", (void **)&vpcd.close_channel },
	{ "IFDHGetCapabilities", (void **)&vpcd.get_capabilities },
	{ "IFDHSetCapabilities", (void **)&vpcd.set_capabilities },
	{ "IFDHSetProtocolParameters", (void **)&vpcd.set_protocol_parameters },
	{ "IFDHPowerICC", (void **)&vpcd.power_icc },
	{ "IFDHTransmitToICC", (void **)&vpcd.transmit_to_icc },
	{ "IFDHICCPresence", (void **)&vpcd.icc_presence },
	{ "IFDHControl", (void **)&vpcd.control },
};

static int bells[SLOTS] = { -1, -1 };
static int stops[SLOTS][2] = { { -1, -1 }, { -1, -1 } };

static int *
bell_of(DWORD lun)
{
	return &bells[(lun & 0xffff) % SLOTS];
}

/* This library is a copy in a directory of its own: vpcd's copy stands beside it as <name>.vpcd. */
static RESPONSECODE
load_vpcd(void)
{
	static void *library;
	char path[4096];
	Dl_info self;

	if (library)
		return IFD_SUCCESS;
	if (!dladdr(bells, &self) || snprintf(path, sizeof path, "%s.vpcd", self.dli_fname) >= (int)sizeof path)
		return IFD_COMMUNICATION_ERROR;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < sizeof functions / sizeof functions[0]; i++) {
		*functions[i].place = dlsym(library, functions[i].name);
		if (!*functions[i].place)
			library = NULL;
	}
	if (!library)
		fprintf(stderr, "vpcd bell: %s: is no vpcd driver: %s\n", path, dlerror());
	return library ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

/* Binds $VPCD_BELL/PORT; PORT is behind the colon of the device name, plus the slot, as vpcd counts it. */
static void
hang_bell(DWORD lun, const char *device)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *directory = getenv("VPCD_BELL"), *colon = device ? strrchr(device, ':') : NULL;
	int fd;

	if (!directory || !colon || *bell_of(lun) >= 0)
		return;
	if (snprintf(address.sun_path, sizeof address.sun_path, "%s/%ld", directory,
	    strtol(colon + 1, NULL, 0) + (long)(lun & 0xffff)) >= (int)sizeof address.sun_path)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    pipe2(stops[(lun & 0xffff) % SLOTS], O_CLOEXEC) != 0) {
		fprintf(stderr, "vpcd bell: %s: cannot listen there\n", address.sun_path);
		if (fd >= 0)
			close(fd);
		return;
	}
	*bell_of(lun) = fd;
}

/* pcscd's event thread waits here instead of sleeping. One byte is one look, so that a token taken out and another put in
 * between two looks is seen as both. */
static RESPONSECODE
wait_for_bell(DWORD lun, int timeout_ms)
{
	struct pollfd watched[] = {
		{ .fd = *bell_of(lun), .events = POLLIN }, { .fd = stops[(lun & 0xffff) % SLOTS][0], .events = POLLIN },
	};
	char byte;

	if (poll(watched, 2, timeout_ms) > 0 && (watched[0].revents & POLLIN))
		(void)!recv(*bell_of(lun), &byte, sizeof byte, 0);
	return IFD_SUCCESS;
}

static RESPONSECODE
stop_waiting(DWORD lun)
{
	return write(stops[(lun & 0xffff) % SLOTS][1], "", 1) == 1 ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

/* pcscd takes the value for a pointer to a function; `function` points to one of any type. */
static RESPONSECODE
give_function(const void *function, PDWORD length, PUCHAR value)
{
	if (*length < sizeof(void *))
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	memcpy(value, function, sizeof(void *));
	*length = sizeof(void *);
	return IFD_SUCCESS;
}

RESPONSECODE
IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
	RESPONSECODE r = load_vpcd();

	if (r == IFD_SUCCESS)
		r = vpcd.create_channel_by_name(Lun, DeviceName);
	if (r == IFD_SUCCESS)
		hang_bell(Lun, DeviceName);
	return r;
}

RESPONSECODE
IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
	RESPONSECODE r = load_vpcd();

	return r == IFD_SUCCESS ? vpcd.create_channel(Lun, Channel) : r;
}

RESPONSECODE
IFDHCloseChannel(DWORD Lun)
{
	return vpcd.close_channel(Lun);
}

RESPONSECODE
IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
	static RESPONSECODE (*const waiting)(DWORD, int) = wait_for_bell;
	static RESPONSECODE (*const stopping)(DWORD) = stop_waiting;

	if (Tag == TAG_IFD_POLLING_THREAD_WITH_TIMEOUT && *bell_of(Lun) >= 0)
		return give_function(&waiting, Length, Value);
	if (Tag == TAG_IFD_STOP_POLLING_THREAD && *bell_of(Lun) >= 0)
		return give_function(&stopping, Length, Value);
	return vpcd.get_capabilities(Lun, Tag, Length, Value);
}

RESPONSECODE
IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
	return vpcd.set_capabilities(Lun, Tag, Length, Value);
}

RESPONSECODE
IFDHSetProtocolParameters(DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2, UCHAR PTS3)
{
	return vpcd.set_protocol_parameters(Lun, Protocol, Flags, PTS1, PTS2, PTS3);
}

RESPONSECODE
IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
	return vpcd.power_icc(Lun, Action, Atr, AtrLength);
}

RESPONSECODE
IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer, PDWORD RxLength,
    PSCARD_IO_HEADER RecvPci)
{
	return vpcd.transmit_to_icc(Lun, SendPci, TxBuffer, TxLength, RxBuffer, RxLength, RecvPci);
}

RESPONSECODE
IFDHICCPresence(DWORD Lun)
{
	return vpcd.icc_presence(Lun);
}

RESPONSECODE
IFDHControl(DWORD Lun, DWORD ControlCode, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer, DWORD RxLength,
    LPDWORD BytesReturned)
{
	return vpcd.control(Lun, ControlCode, TxBuffer, TxLength, RxBuffer, RxLength, BytesReturned);
}

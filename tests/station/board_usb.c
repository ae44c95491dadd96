/* The USB host of the simulated board: whole transfers, in steps of simulated time.
 *
 * simavr 1.6's USB controller against the chip's, and what is done about it here:
 *   - a bulk IN that has nothing comes back as an empty packet: UEINTX is looked at first
 *   - an endpoint that is not enabled prints a warning and answers: UECONX is looked at first
 *   - data can overwrite a SETUP that was not read yet: wait until RXSTPI is cleared
 *   - a SETUP clears RXOUTI: on the chip that stays until the program clears it, so the program sees it beside RXSTPI
 *   - it prints a warning for each byte that the program writes to an endpoint which a bus reset has just switched off: the reset comes
 *     while the program sleeps
 *   - flags of UDINT are cleared by writing 0 on the chip, but written there: AND
 *   - USBSTA says that there is no VBUS: the host's plug decides
 *   - UERST does nothing: what lies in an endpoint's bank is taken out, and the bank is freed
 */
#include "tests/station/board.h"
#include "tests/station/board_internal.h"

#include <simavr/avr_usb.h>
#include <simavr/sim_io.h>
#include <string.h>

enum { STEP_US = 20, ENDPOINTS = 5, SLEEP_STEPS = 3000 };
enum { TXINI = 1 << 0, RXOUTI = 1 << 2, RXSTPI = 1 << 3, FIFOCON = 1 << 7 };
enum { SUSPI = 1 << 0, WAKEUPI = 1 << 4, DETACH = 1 << 0, USBE = 1 << 7, EPEN = 1 << 0, EPDIR = 1 << 0, VBUS = 1 << 0, ADDEN = 1 << 7 };

/* A register of one endpoint as the program would see it. */
static uint8_t
endpoint_read(avr_t *avr, unsigned endpoint, uint16_t address)
{
	const uint8_t chosen = avr->data[AT_UENUM];
	uint8_t value;

	avr->data[AT_UENUM] = (uint8_t)endpoint;
	value = avr->io[AVR_DATA_TO_IO(address)].r.c(avr, address, avr->io[AVR_DATA_TO_IO(address)].r.param);
	avr->data[AT_UENUM] = chosen;
	return value;
}

static void
endpoint_write(avr_t *avr, unsigned endpoint, uint16_t address, uint8_t value)
{
	const uint8_t chosen = avr->data[AT_UENUM];

	avr->data[AT_UENUM] = (uint8_t)endpoint;
	avr->io[AVR_DATA_TO_IO(address)].w.c(avr, address, value, avr->io[AVR_DATA_TO_IO(address)].w.param);
	avr->data[AT_UENUM] = chosen;
}

static void
empty_bank(avr_t *avr, unsigned endpoint)
{
	if (!(endpoint_read(avr, endpoint, AT_UECONX) & EPEN))
		return;
	for (int i = 0; i < BOARD_PACKET_MAX && endpoint_read(avr, endpoint, AT_UEBCLX); i++)
		endpoint_read(avr, endpoint, AT_UEDATX);
	if (endpoint_read(avr, endpoint, AT_UECFG0X) & EPDIR) /* written as it is, it makes an IN bank free */
		endpoint_write(avr, endpoint, AT_UECFG1X, endpoint_read(avr, endpoint, AT_UECFG1X));
	else
		endpoint_write(avr, endpoint, AT_UEINTX, (uint8_t)~(RXOUTI | FIFOCON));
}

static void
on_endpoint_reset(avr_t *avr, avr_io_addr_t address, uint8_t value, void *unused)
{
	(void)unused;
	avr->data[address] = value;
	for (unsigned endpoint = 1; endpoint < ENDPOINTS; endpoint++)
		if (value >> endpoint & 1)
			empty_bank(avr, endpoint);
}

static void
on_device_flags(avr_t *avr, avr_io_addr_t address, uint8_t value, void *unused)
{
	(void)unused;
	avr->data[address] &= value;
}

static uint8_t
read_flags(avr_t *avr, avr_io_addr_t address, void *argument)
{
	const struct board *board = argument;
	const uint8_t kept = board->out_unread && (avr->data[AT_UENUM] & 7) == 0 ? RXOUTI : 0;

	return board->read_flags(avr, address, board->flags_argument) | kept;
}

static void
write_flags(avr_t *avr, avr_io_addr_t address, uint8_t value, void *argument)
{
	struct board *board = argument;

	if ((avr->data[AT_UENUM] & 7) == 0 && !(value & RXOUTI))
		board->out_unread = 0;
	board->write_flags(avr, address, value, board->flags_argument);
}

/* In the place of simavr's own, which take no second one beside them. */
static void
keep_flags(struct board *board)
{
	const avr_io_addr_t at = AVR_DATA_TO_IO(AT_UEINTX);

	board->read_flags = board->avr->io[at].r.c;
	board->write_flags = board->avr->io[at].w.c;
	board->flags_argument = board->avr->io[at].r.param;
	board->avr->io[at].r.c = read_flags;
	board->avr->io[at].w.c = write_flags;
	board->avr->io[at].r.param = board->avr->io[at].w.param = board;
}

static uint8_t
read_plug(avr_t *avr, avr_io_addr_t address, void *argument)
{
	const struct board *board = argument;

	(void)avr;
	(void)address;
	return board->plugged ? VBUS : 0;
}

void
usb_connect(struct board *board)
{
	board->plugged = 1;
	keep_flags(board);
	avr_register_io_read(board->avr, AT_USBSTA, read_plug, board);
	avr_register_io_write(board->avr, AT_UERST, on_endpoint_reset, NULL);
	avr_register_io_write(board->avr, AT_UDINT, on_device_flags, NULL);
}

int
board_usb_attached(const struct board *board)
{
	const uint8_t *data = board->avr->data;

	return !board->dead && board->plugged && data[AT_USBCON] & USBE && !(data[AT_UDCON] & DETACH);
}

void
board_usb_plug(struct board *board, int plugged)
{
	board->plugged = plugged != 0;
}

void
board_usb_reset(struct board *board)
{
	for (int i = 0; i < SLEEP_STEPS && !board->dead && board->avr->state != cpu_Sleeping; i++)
		board_run_us(board, 1);
	board->avr->data[AT_UDADDR] = 0;
	board->out_unread = 0;
	avr_ioctl(board->avr, AVR_IOCTL_USB_RESET, NULL);
	board_run_us(board, 10000); /* USB 2.0, 7.1.7.5: the host drives it for at least 10 ms */
}

void
board_usb_suspend(struct board *board, int suspended)
{
	board->avr->data[AT_UDINT] |= suspended ? SUSPI : WAKEUPI;
	board_run_us(board, 3000);
}

uint8_t
board_usb_address(const struct board *board)
{
	const uint8_t value = board->avr->data[AT_UDADDR];

	return value & ADDEN ? value & 0x7f : 0;
}

static int
is_usable(const struct board *board, unsigned endpoint)
{
	return board_usb_attached(board) && endpoint < ENDPOINTS && endpoint_read(board->avr, endpoint, AT_UECONX) & EPEN;
}

static int
transfer(struct board *board, uint32_t kind, unsigned endpoint, uint8_t *data, uint32_t *size)
{
	struct avr_io_usb request = { .pipe = (uint8_t)endpoint, .sz = *size, .buf = data };
	int r = avr_ioctl(board->avr, kind, &request);

	*size = request.sz;
	return r == AVR_IOCTL_USB_STALL ? BOARD_STALL : r == AVR_IOCTL_USB_OK ? 0 : BOARD_NAK;
}

static int
try_setup(struct board *board, uint8_t *data, uint32_t *size)
{
	int out_unread, r;

	if (!is_usable(board, 0))
		return BOARD_GONE;
	out_unread = (endpoint_read(board->avr, 0, AT_UEINTX) & RXOUTI) != 0;
	r = transfer(board, AVR_IOCTL_USB_SETUP, 0, data, size);
	board->out_unread = out_unread && r == 0;
	return r;
}

/* RXSTPI stays set until the program has read the setup; until then the chip answers NAK to all else. */
static int
is_setup_taken(struct board *board)
{
	return is_usable(board, 0) ? (endpoint_read(board->avr, 0, AT_UEINTX) & RXSTPI ? BOARD_NAK : 0) : BOARD_GONE;
}

static int
try_out(struct board *board, unsigned endpoint, uint8_t *data, uint32_t *size)
{
	if (endpoint == 0 && board->out_unread)
		return BOARD_NAK;
	return is_usable(board, endpoint) ? transfer(board, AVR_IOCTL_USB_WRITE, endpoint, data, size) : BOARD_GONE;
}

static int
try_in(struct board *board, unsigned endpoint, uint8_t *data, uint32_t *size)
{
	const uint8_t busy = endpoint ? TXINI | FIFOCON : TXINI;
	uint32_t ignored = 0;

	if (!is_usable(board, endpoint))
		return BOARD_GONE;
	*size = 0;
	if (endpoint_read(board->avr, endpoint, AT_UEINTX) & busy) {
		/* nothing to take; but a stall is answered as one, and takes nothing either */
		int r = transfer(board, AVR_IOCTL_USB_READ, endpoint, data, &ignored);
		return r == BOARD_STALL ? BOARD_STALL : BOARD_NAK;
	}
	return transfer(board, AVR_IOCTL_USB_READ, endpoint, data, size);
}

int
board_setup(struct board *board, const uint8_t setup[8], uint32_t timeout_us)
{
	const uint64_t end = board_now_us(board) + timeout_us;
	uint8_t bytes[BOARD_PACKET_MAX] = { 0 };
	uint32_t size = 8;
	int r;

	memcpy(bytes, setup, 8);
	while ((r = try_setup(board, bytes, &size)) == BOARD_NAK && board_now_us(board) < end)
		board_run_us(board, STEP_US);
	if (r != 0)
		return r;
	while ((r = is_setup_taken(board)) == BOARD_NAK && board_now_us(board) < end)
		board_run_us(board, STEP_US);
	return r;
}

int
board_out(struct board *board, uint8_t endpoint, const uint8_t *data, uint32_t size, uint32_t timeout_us)
{
	const uint64_t end = board_now_us(board) + timeout_us;
	uint8_t bytes[BOARD_PACKET_MAX] = { 0 };
	int r;

	if (size > sizeof bytes)
		size = sizeof bytes;
	if (size)
		memcpy(bytes, data, size);
	while ((r = try_out(board, endpoint, bytes, &size)) == BOARD_NAK && board_now_us(board) < end)
		board_run_us(board, STEP_US);
	return r == 0 ? (int)size : r;
}

int
board_in(struct board *board, uint8_t endpoint, uint8_t *data, uint32_t max, uint32_t timeout_us)
{
	const uint64_t end = board_now_us(board) + timeout_us;
	uint8_t bytes[BOARD_PACKET_MAX] = { 0 };
	uint32_t size = 0;
	int r;

	while ((r = try_in(board, endpoint, bytes, &size)) == BOARD_NAK && board_now_us(board) < end)
		board_run_us(board, STEP_US);
	if (r != 0)
		return r;
	if (size > max)
		size = max;
	if (size)
		memcpy(data, bytes, size);
	return (int)size;
}

static int
data_in(struct board *board, uint8_t *data, uint32_t length, uint32_t timeout_us)
{
	uint32_t got = 0;
	int r = BOARD_PACKET_MAX;

	while (got < length && r == BOARD_PACKET_MAX) {
		r = board_in(board, 0, data + got, length - got, timeout_us);
		if (r < 0)
			return r;
		got += (uint32_t)r;
	}
	r = board_out(board, 0, NULL, 0, timeout_us);
	return r < 0 ? r : (int)got;
}

static int
data_out(struct board *board, const uint8_t *data, uint32_t length, uint32_t timeout_us)
{
	uint8_t nothing[BOARD_PACKET_MAX];
	uint32_t sent = 0;
	int r;

	while (sent < length) {
		uint32_t size = length - sent < BOARD_PACKET_MAX ? length - sent : BOARD_PACKET_MAX;

		r = board_out(board, 0, data + sent, size, timeout_us);
		if (r < 0)
			return r;
		sent += size;
	}
	r = board_in(board, 0, nothing, sizeof nothing, timeout_us);
	return r < 0 ? r : (int)sent;
}

int
board_control(struct board *board, const uint8_t setup[8], uint8_t *data, uint32_t timeout_us)
{
	const uint32_t length = (uint32_t)setup[6] | (uint32_t)setup[7] << 8;
	int r = board_setup(board, setup, timeout_us);

	if (r != 0)
		return r;
	r = setup[0] & 0x80 && length ? data_in(board, data, length, timeout_us) : data_out(board, data, length, timeout_us);
	board_run_us(board, STEP_US); /* the device sees the end of the status stage */
	return r;
}

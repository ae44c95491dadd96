/* Endpoint 0: the standard requests of USB 2.0, 9.4. What is not in the table, or not exactly as chapter 9 says it, is refused with a
 * stall of its data and status stages (9.2.7), which the next SETUP ends. */
#include "firmware/board/atmega32u4/usb_internal.h"

#include <avr/io.h>
#include <avr/pgmspace.h>

struct setup {
	uint8_t  type;
	uint8_t  request;
	uint16_t value, index, length;
};

enum stage {
	STAGE_IDLE,
	STAGE_DATA,         /* we send */
	STAGE_STATUS_OUT,   /* we have sent all: the host says that it has it */
	STAGE_STATUS_IN     /* done; the host takes our empty packet */
};

enum request_type { TO_DEVICE = 0x00, TO_INTERFACE = 0x01, TO_ENDPOINT = 0x02, FROM_DEVICE = 0x80, FROM_INTERFACE = 0x81, FROM_ENDPOINT = 0x82 };
enum request { GET_STATUS, CLEAR_FEATURE, SET_FEATURE = 3, SET_ADDRESS = 5, GET_DESCRIPTOR, GET_CONFIGURATION = 8, SET_CONFIGURATION,
	GET_INTERFACE, SET_INTERFACE };
enum { ENDPOINT_HALT = 0, STATUS_SELF_POWERED = 1, STATUS_HALTED = 1, ADDRESS_MAX = 127 };

static struct {
	uint8_t        stage;       /* enum stage */
	uint8_t        addressing;  /* the status stage of SET_ADDRESS is under way */
	uint8_t        address;     /* to come */
	uint8_t        in_flash;    /* where `next` points */
	uint8_t        left;        /* bytes to send */
	uint8_t        ends_short;  /* the host wants more than there is: a full last packet needs an empty one behind it */
	const uint8_t *next;
	uint8_t        room[USB_STRING_MAX];
} pipe;

static void
acknowledge(uint8_t flag)
{
	UEINTX = (uint8_t)~(1 << flag);
}

/* --- requests: 1 done, 0 refused. What is to be sent they give to `send`. */

static uint8_t
send(const struct setup *setup, const uint8_t *bytes, uint8_t length, uint8_t in_flash)
{
	pipe.next = bytes;
	pipe.in_flash = in_flash;
	pipe.ends_short = length < setup->length;
	pipe.left = length < setup->length ? length : (uint8_t)setup->length;
	return 1;
}

static uint8_t
send_word(const struct setup *setup, uint8_t low, uint8_t length)
{
	pipe.room[0] = low;
	pipe.room[1] = 0;
	return send(setup, pipe.room, length, 0);
}

static uint8_t
get_device_status(const struct setup *setup)
{
	return setup->index == 0 && send_word(setup, STATUS_SELF_POWERED, 2);
}

static uint8_t
get_interface_status(const struct setup *setup)
{
	return usb_configuration && setup->index == 0 && send_word(setup, 0, 2);
}

static uint8_t
get_endpoint_status(const struct setup *setup)
{
	const uint8_t endpoint = usb_endpoint_of(setup->index);

	return endpoint != USB_NOTHING && send_word(setup, endpoint && usb_endpoint_is_halted(endpoint) ? STATUS_HALTED : 0, 2);
}

/* The default pipe has no halt (9.4.5): clearing it is as well as done, setting it is refused. */
static uint8_t
clear_endpoint_feature(const struct setup *setup)
{
	const uint8_t endpoint = usb_endpoint_of(setup->index);

	if (endpoint == USB_NOTHING || setup->value != ENDPOINT_HALT)
		return 0;
	if (endpoint)
		usb_restart_endpoint(endpoint);
	return 1;
}

static uint8_t
set_endpoint_feature(const struct setup *setup)
{
	const uint8_t endpoint = usb_endpoint_of(setup->index);

	if (endpoint == USB_NOTHING || endpoint == 0 || setup->value != ENDPOINT_HALT)
		return 0;
	usb_halt_endpoint(endpoint);
	return 1;
}

/* The address is the device's only after the status stage (9.4.6). */
static uint8_t
set_address(const struct setup *setup)
{
	if (setup->value > ADDRESS_MAX || setup->index != 0 || usb_configuration)
		return 0;
	pipe.address = (uint8_t)setup->value;
	pipe.addressing = 1;
	return 1;
}

static uint8_t
get_descriptor(const struct setup *setup)
{
	const uint8_t type = (uint8_t)(setup->value >> 8), index = (uint8_t)setup->value;
	const uint8_t *flash = 0;
	uint8_t length;

	if (type == USB_STRING && index == USB_STRING_SERIAL)
		return send(setup, pipe.room, usb_serial_descriptor(pipe.room), 0);
	length = usb_descriptor(type, index, &flash);
	return length && send(setup, flash, length, 1);
}

static uint8_t
get_configuration(const struct setup *setup)
{
	return setup->index == 0 && send_word(setup, usb_configuration, 1);
}

static uint8_t
set_configuration(const struct setup *setup)
{
	if (setup->value > 1 || setup->index != 0)
		return 0;
	usb_configure((uint8_t)setup->value);
	return 1;
}

static uint8_t
get_interface(const struct setup *setup)
{
	return usb_configuration && setup->index == 0 && send_word(setup, 0, 1);
}

/* There is one setting; choosing it begins its endpoints anew (9.1.1.5). */
static uint8_t
set_interface(const struct setup *setup)
{
	if (!usb_configuration || setup->index != 0 || setup->value != 0)
		return 0;
	usb_configure(usb_configuration);
	return 1;
}

struct row {
	uint8_t  type, request;
	uint8_t  value_is_zero; /* chapter 9 wants wValue 0 */
	uint8_t  length;        /* what wLength must be; USB_NOTHING: as the host likes */
	uint8_t (*carry_out)(const struct setup *setup);
};

/* Feature selectors of the device (remote wake-up, test modes) and of the interface: it has none. SET_DESCRIPTOR and SYNCH_FRAME: not
 * for this device. */
static const struct row rows[] PROGMEM = {
	{ FROM_DEVICE, GET_STATUS, 1, 2, get_device_status },
	{ FROM_INTERFACE, GET_STATUS, 1, 2, get_interface_status },
	{ FROM_ENDPOINT, GET_STATUS, 1, 2, get_endpoint_status },
	{ TO_ENDPOINT, CLEAR_FEATURE, 0, 0, clear_endpoint_feature },
	{ TO_ENDPOINT, SET_FEATURE, 0, 0, set_endpoint_feature },
	{ TO_DEVICE, SET_ADDRESS, 0, 0, set_address },
	{ FROM_DEVICE, GET_DESCRIPTOR, 0, USB_NOTHING, get_descriptor },
	{ FROM_DEVICE, GET_CONFIGURATION, 1, 1, get_configuration },
	{ TO_DEVICE, SET_CONFIGURATION, 0, 0, set_configuration },
	{ FROM_INTERFACE, GET_INTERFACE, 1, 1, get_interface },
	{ TO_INTERFACE, SET_INTERFACE, 0, 0, set_interface },
};

static uint8_t
carry_out(const struct setup *setup)
{
	for (uint8_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct row row;

		memcpy_P(&row, &rows[i], sizeof row);
		if (row.type != setup->type || row.request != setup->request)
			continue;
		if ((row.value_is_zero && setup->value) || (row.length != USB_NOTHING && row.length != setup->length))
			return 0;
		return row.carry_out(setup);
	}
	return 0;
}

/* --- stages */

static uint16_t
read_word(void)
{
	const uint8_t low = UEDATX;

	return (uint16_t)(low | UEDATX << 8);
}

/* While RXSTPI stands no other packet is taken, so what RXOUTI tells of came before: the end of the last request, in the same turn of the
 * loop. Left standing, it would end this one. */
static void
read_setup(struct setup *setup)
{
	setup->type = UEDATX;
	setup->request = UEDATX;
	setup->value = read_word();
	setup->index = read_word();
	setup->length = read_word();
	UEINTX = (uint8_t)~(1 << RXSTPI | 1 << RXOUTI);
}

static void
answer_empty(void)
{
	acknowledge(TXINI);
	pipe.stage = STAGE_STATUS_IN;
}

/* 1: refused. A request handler may have chosen another endpoint. */
static uint8_t
begin_request(void)
{
	struct setup setup;
	uint8_t done;

	read_setup(&setup);
	pipe.stage = STAGE_IDLE;
	pipe.addressing = pipe.left = pipe.ends_short = 0;
	done = carry_out(&setup);
	UENUM = 0;
	if (!done)
		UECONX = 1 << STALLRQ | 1 << EPEN;
	else if (setup.type & USB_IN && setup.length)
		pipe.stage = STAGE_DATA;
	else
		answer_empty();
	return !done;
}

/* One packet of the answer. The last is shorter than the endpoint takes, or has just what the host wanted. */
static void
send_packet(void)
{
	uint8_t count = pipe.left < USB_PACKET_MAX ? pipe.left : USB_PACKET_MAX;

	pipe.left = (uint8_t)(pipe.left - count);
	if (!pipe.left && (count < USB_PACKET_MAX || !pipe.ends_short))
		pipe.stage = STAGE_STATUS_OUT;
	for (; count; count--) {
		UEDATX = pipe.in_flash ? pgm_read_byte(pipe.next) : *pipe.next;
		pipe.next++;
	}
	acknowledge(TXINI);
}

static void
end_request(void)
{
	if (pipe.addressing) {
		UDADDR = pipe.address; /* the address and its bit never in one write (data sheet, UDADDR) */
		UDADDR |= 1 << ADDEN;
	}
	pipe.addressing = 0;
	pipe.stage = STAGE_IDLE;
}

/* An OUT packet where none is due: the host is satisfied with what it has, or breaks off. */
uint8_t
usb_control_poll(void)
{
	uint8_t flags;

	UENUM = 0;
	flags = UEINTX;
	if (flags & 1 << RXSTPI)
		return begin_request();
	if (flags & 1 << RXOUTI) {
		acknowledge(RXOUTI);
		if (pipe.stage != STAGE_STATUS_IN)
			pipe.stage = STAGE_IDLE;
	} else if (flags & 1 << TXINI && pipe.stage == STAGE_DATA) {
		send_packet();
	} else if (flags & 1 << TXINI && pipe.stage == STAGE_STATUS_IN) {
		end_request();
	}
	return 0;
}

void
usb_control_begin(void)
{
	pipe.stage = STAGE_IDLE;
	pipe.addressing = 0;
}

uint8_t
usb_control_wakes(void)
{
	const uint8_t always = 1 << RXSTPI | 1 << RXOUTI;

	return pipe.stage == STAGE_DATA || pipe.stage == STAGE_STATUS_IN ? always | 1 << TXINI : always;
}

#include "firmware/board/atmega32u4/usb.h"
#include "firmware/board/atmega32u4/usb_internal.h"

#include <avr/interrupt.h>
#include <avr/io.h>

enum { CONTROL = 0x00, BULK_OUT = 0x80, BULK_IN = 0x81, INTERRUPT_IN = 0xc1 }; /* UECFG0X: type and direction */
enum { ONE_BANK_OF_64 = 0x30 };                                                 /* UECFG1X */

uint8_t usb_configuration;
static struct usb_news news;

static const uint8_t kind_of[USB_ENDPOINTS] = {
	[0] = CONTROL,
	[STATION_ENDPOINT_COMMANDS] = BULK_OUT,
	[STATION_ENDPOINT_ANSWERS] = BULK_IN,
	[STATION_ENDPOINT_EVENTS] = INTERRUPT_IN,
};

/* --- endpoints */

static void
enable_endpoint(uint8_t endpoint)
{
	UENUM = endpoint;
	UECONX = 1 << EPEN;
	UECFG0X = kind_of[endpoint];
	UECFG1X = ONE_BANK_OF_64 | 1 << ALLOC;
}

static void
disable_endpoint(uint8_t endpoint)
{
	UENUM = endpoint;
	UECONX = 0;
	UECFG1X = 0;
}

void
usb_restart_endpoint(uint8_t endpoint)
{
	UENUM = endpoint;
	UECONX = 1 << STALLRQC | 1 << RSTDT | 1 << EPEN;
	UERST = (uint8_t)(1 << endpoint);
	UERST = 0;
}

void
usb_halt_endpoint(uint8_t endpoint)
{
	UENUM = endpoint;
	UECONX = 1 << STALLRQ | 1 << EPEN;
}

uint8_t
usb_endpoint_is_halted(uint8_t endpoint)
{
	UENUM = endpoint;
	return (UECONX & 1 << STALLRQ) != 0;
}

uint8_t
usb_endpoint_of(uint16_t index)
{
	const uint8_t endpoint = index & 0x0f, from_us = index & USB_IN;

	if (index & (uint16_t)~(USB_IN | 0x0f) || endpoint >= USB_ENDPOINTS)
		return USB_NOTHING;
	if (endpoint == 0)
		return 0;
	if (!usb_configuration || !from_us != !(kind_of[endpoint] & 1))
		return USB_NOTHING;
	return endpoint;
}

void
usb_configure(uint8_t configuration)
{
	for (uint8_t endpoint = 1; endpoint < USB_ENDPOINTS; endpoint++) {
		if (!configuration) {
			disable_endpoint(endpoint);
			continue;
		}
		enable_endpoint(endpoint);
		usb_restart_endpoint(endpoint);
	}
	usb_configuration = configuration;
	news.configured |= configuration;
}

/* --- the bus */

static void
on_bus_reset(void)
{
	usb_configuration = 0;
	usb_control_begin();
	enable_endpoint(0);
	news.bus_resets++;
}

/* Self-powered: D+ is pulled up only while the host's VBUS is there (USB 2.0, 7.1.5.1). */
static void
follow_the_plug(void)
{
	if (USBSTA & 1 << VBUS) {
		UDCON &= (uint8_t)~(1 << DETACH);
	} else if (!(UDCON & 1 << DETACH)) {
		UDCON |= 1 << DETACH;
		usb_configuration = 0;
		usb_control_begin();
	}
}

/* Suspended or not, the station works on with its own power; its LEDs will say that the host is silent. Flags are cleared by writing 0. */
static void
poll_bus(void)
{
	const uint8_t flags = UDINT;

	follow_the_plug();
	if (!flags)
		return;
	UDINT = (uint8_t)~flags;
	if (flags & 1 << EORSTI)
		on_bus_reset();
}

void
usb_begin(void)
{
	UHWCON = 1 << UVREGE;
	USBCON = 1 << USBE | 1 << FRZCLK;
	PLLCSR = 1 << PINDIV;
	PLLCSR = 1 << PINDIV | 1 << PLLE;
	while (!(PLLCSR & 1 << PLOCK))
		;
	USBCON = 1 << USBE | 1 << OTGPADE;
	UDCON = 1 << DETACH;
}

void
usb_poll(void)
{
	poll_bus();
	news.stalls = (uint8_t)(news.stalls + usb_control_poll());
}

struct usb_news
usb_take_news(void)
{
	const struct usb_news taken = news;

	news = (struct usb_news){ 0 };
	return taken;
}

/* --- frames */

static uint8_t
has(uint8_t endpoint, uint8_t flag)
{
	if (!usb_configuration)
		return 0;
	UENUM = endpoint;
	return (UEINTX & 1 << flag) != 0;
}

/* A command is taken only when its answer has room: until then the host's next one waits. */
static uint8_t
command_is_due(void)
{
	return has(STATION_ENDPOINT_ANSWERS, TXINI) && has(STATION_ENDPOINT_COMMANDS, RXOUTI);
}

uint8_t
usb_read_command(uint8_t packet[USB_PACKET_MAX])
{
	uint8_t length;

	if (!command_is_due())
		return USB_NOTHING;
	UEINTX = (uint8_t)~(1 << RXOUTI);
	length = UEBCLX;
	for (uint8_t i = 0; i < length; i++)
		packet[i] = UEDATX;
	UEINTX = (uint8_t)~(1 << FIFOCON);
	return length;
}

static void
write_packet(uint8_t endpoint, const uint8_t *packet, uint8_t length)
{
	UENUM = endpoint;
	UEINTX = (uint8_t)~(1 << TXINI);
	for (uint8_t i = 0; i < length; i++)
		UEDATX = packet[i];
	UEINTX = (uint8_t)~(1 << FIFOCON);
}

void
usb_write_answer(const uint8_t *packet, uint8_t length)
{
	write_packet(STATION_ENDPOINT_ANSWERS, packet, length);
}

uint8_t
usb_event_is_free(void)
{
	return has(STATION_ENDPOINT_EVENTS, TXINI);
}

void
usb_write_event(const uint8_t *packet, uint8_t length)
{
	write_packet(STATION_ENDPOINT_EVENTS, packet, length);
}

/* --- sleep */

ISR(USB_GEN_vect)
{
	UDIEN = 0;
}

/* Its causes stay until the loop has dealt with them: it would come again for ever. */
ISR(USB_COM_vect)
{
	usb_disarm();
}

static uint8_t
arm_endpoint(uint8_t endpoint, uint8_t flags)
{
	UENUM = endpoint;
	UEIENX = flags;
	return !(UEINTX & flags);
}

uint8_t
usb_arm(void)
{
	uint8_t quiet;

	UDIEN = 1 << EORSTE;
	quiet = !(UDINT & 1 << EORSTI);
	quiet = (uint8_t)(arm_endpoint(0, usb_control_wakes()) & quiet);
	if (!usb_configuration)
		return quiet;
	if (has(STATION_ENDPOINT_ANSWERS, TXINI))
		return quiet && arm_endpoint(STATION_ENDPOINT_COMMANDS, 1 << RXOUTI);
	return quiet && arm_endpoint(STATION_ENDPOINT_ANSWERS, 1 << TXINI);
}

void
usb_disarm(void)
{
	const uint8_t chosen = UENUM;

	UDIEN = 0;
	for (uint8_t endpoint = 0; endpoint < USB_ENDPOINTS; endpoint++) {
		UENUM = endpoint;
		UEIENX = 0;
	}
	UENUM = chosen;
}

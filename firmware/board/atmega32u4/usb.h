/* The USB device: a full-speed one of the vendor class, self-powered, with one interface and three endpoints (schemas/station.h).
 *
 * Polled: nothing waits for the host anywhere. Interrupts only wake the loop, and switch themselves off.
 * Sources: USB 2.0 chapters 8 and 9; the ATmega16U4/32U4 data sheet, 21 and 22.
 */
#ifndef MINT_FIRMWARE_BOARD_USB_H
#define MINT_FIRMWARE_BOARD_USB_H

#include <stdint.h>

enum { USB_PACKET_MAX = 64, USB_NOTHING = 0xff };

/* What has happened since usb_take_news was called last. */
struct usb_news {
	uint8_t bus_resets;
	uint8_t stalls;     /* control requests refused */
	uint8_t configured; /* 1: a host has begun anew */
};

void usb_begin(void);
/* As often as the loop turns. */
void usb_poll(void);
struct usb_news usb_take_news(void);

/* One packet of the command endpoint, its length; USB_NOTHING: none, or its answer could not be written yet. */
uint8_t usb_read_command(uint8_t packet[USB_PACKET_MAX]);
/* Only after usb_read_command has given a command. */
void usb_write_answer(const uint8_t *packet, uint8_t length);

/* 1: the event endpoint takes a packet now. */
uint8_t usb_event_is_free(void);
void usb_write_event(const uint8_t *packet, uint8_t length);

/* For the sleep, with interrupts off: from now on what the host does wakes the loop. 0: something is to be done, do not sleep. */
uint8_t usb_arm(void);
void usb_disarm(void);

#endif

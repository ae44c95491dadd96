/* What usb.c, usb_control.c and usb_descriptors.c share. */
#ifndef MINT_FIRMWARE_BOARD_USB_INTERNAL_H
#define MINT_FIRMWARE_BOARD_USB_INTERNAL_H

#include "firmware/board/atmega32u4/usb.h"
#include "schemas/station.h"

#include <stdint.h>

enum { USB_ENDPOINTS = STATION_ENDPOINT_EVENTS + 1, USB_IN = 0x80, USB_STRING_MAX = 42 };

/* usb.c */
extern uint8_t usb_configuration;        /* 0: addressed only */
void usb_configure(uint8_t configuration);
void usb_restart_endpoint(uint8_t endpoint); /* halt over, first data packet next, what lies in it gone */
void usb_halt_endpoint(uint8_t endpoint);
uint8_t usb_endpoint_is_halted(uint8_t endpoint);
/* wIndex of a request to an endpoint: its number, or USB_NOTHING when it is none of those in use. */
uint8_t usb_endpoint_of(uint16_t index);

/* usb_control.c: the default pipe */
void usb_control_begin(void);            /* after a bus reset */
uint8_t usb_control_poll(void);          /* returns 1 when a request was refused */
uint8_t usb_control_wakes(void);         /* the flags of UEINTX that need it, now */

/* usb_descriptors.c: where a descriptor lies in flash and how long it is; 0: there is none. A string of the EEPROM is made in `room`. */
uint8_t usb_descriptor(uint8_t type, uint8_t index, const uint8_t **flash);
uint8_t usb_serial_descriptor(uint8_t room[USB_STRING_MAX]);

enum { USB_DEVICE = 1, USB_CONFIGURATION = 2, USB_STRING = 3, USB_INTERFACE = 4, USB_ENDPOINT = 5 };
enum { USB_STRING_LANGUAGES, USB_STRING_MAKER, USB_STRING_PRODUCT, USB_STRING_SERIAL };

#endif

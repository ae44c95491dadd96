/* Which pin of the ATmega32U4 does what, once: firmware/board/atmega32u4/ takes its pin functions from this list, the simulated board of
 * tests/station/ its wires, docs/station.md its table.
 *
 * PIN(name, port, bit, way, what)     way: output, input (pulled up by the chip, but for the analogue one), analogue
 *
 * Both shift chains hang on one SPI and move together, four bytes at a time, highest bit first (HW_CHAIN_BYTES). In come two 74HC165
 * with the presence switches, then two with the over-current flags; each pair high byte (bays 16–9) first, all active low. Out go two
 * bytes that fall off the far end of the two 74HC595, then the VBUS switches' high byte, then their low byte, active high.
 *
 * Not used: D2, D3 (UART of a debugger), E2 (/HWB: held low at reset it starts the bootloader), F1, F4–F7 (JTAG).
 */
#ifndef MINT_HW_PINS_H
#define MINT_HW_PINS_H

#define HW_PINS(PIN) \
	PIN(switch_latch, B, 0, output, "RCLK of the 74HC595: what was shifted appears; also /SS, an output so that SPI stays master") \
	PIN(chain_clock, B, 1, output, "SCK of both chains") \
	PIN(chain_out, B, 2, output, "MOSI to the 74HC595") \
	PIN(chain_in, B, 3, input, "MISO from the 74HC165") \
	PIN(input_load, B, 4, output, "/PL of the 74HC165: low takes the inputs in") \
	PIN(switches_off, B, 5, output, "/OE of the 74HC595, pulled up on the board: no bay has power until it is driven low") \
	PIN(buzzer, B, 6, output, "transistor of a buzzer with its own oscillator") \
	PIN(lights, B, 7, output, "first of sixteen WS2812B") \
	PIN(button_confirm, C, 6, input, "to ground while pressed") \
	PIN(button_quiet, C, 7, input, "to ground while pressed") \
	PIN(button_lamps, E, 6, input, "to ground while pressed") \
	PIN(lid, D, 0, input, "to ground while the lid is closed: a broken wire is an open lid") \
	PIN(stop, D, 1, input, "second contact of the emergency stop, to ground while it is not pressed: a broken wire is a stop") \
	PIN(vbus_select_0, D, 4, output, "S0 of the 74HC4067: whose VBUS is measured") \
	PIN(vbus_select_1, D, 5, output, "S1") \
	PIN(vbus_select_2, D, 6, output, "S2") \
	PIN(vbus_select_3, D, 7, output, "S3") \
	PIN(vbus, F, 0, analogue, "Z of the 74HC4067, behind each bay's divider")

enum {
	HW_CLOCK_HZ = 16000000,
	HW_CHAIN_BYTES = 4,
	HW_VBUS_SELECT_SHIFT = 4,  /* the four select lines are neighbours: bit of S0 in its port */
	HW_VBUS_DIVIDER = 3,       /* 20 kΩ over 10 kΩ */
	HW_VBUS_REFERENCE_MV = 2560 /* the chip's own; 7680 mV at the socket is full scale */
};

#endif

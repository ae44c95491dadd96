/* What hangs on the pins: both shift chains, the multiplexer before the converter, the LED line, buttons, lid, stop.
 *
 * simavr 1.6's SPI takes 100 µs for a byte whatever its clock: the bytes are taken and answered here, at the speed that SPCR and SPSR
 * ask for; what simavr says 100 µs later only sets a flag that the next byte clears.
 */
#include "hw/pins.h"
#include "tests/station/board.h"
#include "tests/station/board_internal.h"

#include <simavr/avr_adc.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_spi.h>
#include <simavr/sim_io.h>
#include <simavr/sim_time.h>
#include <stddef.h>
#include <string.h>

enum { NS_PER_CYCLE_TIMES_2 = 125 }; /* 62.5 ns */

/* WS2812B and WS2812B-V5 both: the pulses that either data sheet allows for each bit. Nanoseconds. A gap within a frame may be longer
 * than the data sheets say, as every driver in the field relies on; far below what latches the oldest type (50 µs). */
enum {
	ZERO_HIGH_MIN = 250, ZERO_HIGH_MAX = 380,
	ONE_HIGH_MIN = 650, ONE_HIGH_MAX = 950,
	LOW_MIN = 300, GAP_MAX = 9000,
	LATCH_MIN = 280000
};

struct place {
	char    port;
	uint8_t bit;
};

enum pin {
#define PIN(name, port, bit, way, what) PIN_##name,
	HW_PINS(PIN)
#undef PIN
	PINS
};

static const struct place places[PINS] = {
#define PIN(name, port, bit, way, what) { #port[0], bit },
	HW_PINS(PIN)
#undef PIN
};

static avr_irq_t *
pin_irq(const struct board *board, enum pin pin)
{
	return avr_io_getirq(board->avr, (uint32_t)AVR_IOCTL_IOPORT_GETIRQ(places[pin].port), places[pin].bit);
}

/* Level that the chip gives the pin; `floating` while it is no output. */
static int
given(const struct board *board, enum pin pin, int floating)
{
	const uint8_t *registers = board->avr->data + AT_PINB + 3 * (places[pin].port - 'B'); /* PIN, DDR, PORT */

	if (!(registers[1] >> places[pin].bit & 1))
		return floating;
	return registers[2] >> places[pin].bit & 1;
}

static void
drive(struct board *board, enum pin pin, int level)
{
	board_pin(board, places[pin].port, places[pin].bit, level);
}

/* --- the chains */

/* Active low: a switch or a flag pulls its line to ground. */
static void
load_inputs(struct board *board)
{
	board->shifting_in = ~((uint32_t)board->present << 16 | board->flagged);
}

static avr_cycle_count_t
end_byte(avr_t *avr, avr_cycle_count_t when, void *argument)
{
	struct board *board = argument;

	(void)when;
	avr_raise_irq(avr_io_getirq(avr, (uint32_t)AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_INPUT), board->coming);
	return 0;
}

static avr_cycle_count_t
byte_cycles(const avr_t *avr)
{
	static const uint8_t dividers[] = { 4, 16, 64, 128 };

	return (8u * dividers[avr->data[AT_SPCR] & 3]) >> (avr->data[AT_SPSR] & 1);
}

static void
begin_byte(avr_t *avr, avr_io_addr_t address, uint8_t value, void *argument)
{
	struct board *board = argument;

	(void)address;
	if (!board->load)
		load_inputs(board);
	board->coming = (uint8_t)(board->shifting_in >> 24);
	board->shifting_in <<= 8;
	board->shifting_out = (uint16_t)(board->shifting_out << 8 | value);
	avr_cycle_timer_register(avr, byte_cycles(avr), end_byte, board);
}

static void
on_latch(avr_irq_t *irq, uint32_t level, void *argument)
{
	struct board *board = argument;

	(void)irq;
	if (level && !board->latch)
		board->latched = board->shifting_out;
	board->latch = level != 0;
}

static void
on_load(avr_irq_t *irq, uint32_t level, void *argument)
{
	struct board *board = argument;

	(void)irq;
	if (level && !board->load)
		load_inputs(board);
	board->load = level != 0;
}

uint16_t
board_switches(const struct board *board)
{
	return board->stop_pressed || given(board, PIN_switches_off, 1) ? 0 : board->latched;
}

/* --- the converter */

/* At the start of each conversion. */
static void
on_sample(avr_irq_t *irq, uint32_t unused, void *argument)
{
	struct board *board = argument;
	const unsigned port = board->avr->data[AT_PINB + 3 * (places[PIN_vbus_select_0].port - 'B') + 2];
	const unsigned bay = port >> HW_VBUS_SELECT_SHIFT & (BOARD_BAYS - 1);
	uint32_t mv = board_switches(board) >> bay & 1 ? board->vbus_mv[bay] : 0;

	(void)irq;
	(void)unused;
	avr_raise_irq(avr_io_getirq(board->avr, (uint32_t)AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0), mv / HW_VBUS_DIVIDER);
}

/* --- the LEDs */

static uint32_t
ns_of(uint64_t cycles)
{
	return cycles > UINT32_MAX / NS_PER_CYCLE_TIMES_2 ? UINT32_MAX : (uint32_t)(cycles * NS_PER_CYCLE_TIMES_2 / 2);
}

/* After a pause the LEDs show what came before it, and the first of them takes the next bits. */
static void
latch_lights(struct board *board)
{
	struct light_line *line = &board->lights;

	if (line->high || ns_of(board->avr->cycle - line->fell) < LATCH_MIN)
		return;
	if (line->unlatched) {
		memcpy(line->shown, line->arriving, sizeof line->shown);
		line->frames++;
		line->faults += line->bits % 24 != 0;
	}
	line->unlatched = 0;
	line->bits = 0;
}

/* Bits of a LED come green, red, blue, highest first; the line is sixteen LEDs long and what is behind them falls off. */
static void
take_bit(struct light_line *line, int one)
{
	static const uint8_t colour_of[] = { 1, 0, 2 };
	const unsigned led = (unsigned)line->bits / 24, bit = (unsigned)line->bits % 24;

	line->bits++;
	line->unlatched = 1;
	if (led >= BOARD_BAYS) {
		line->faults++;
		return;
	}
	uint8_t *level = &line->arriving[led][colour_of[bit / 8]];
	*level = (uint8_t)(*level << 1 | one);
}

static void
on_light(avr_irq_t *irq, uint32_t level, void *argument)
{
	struct board *board = argument;
	struct light_line *line = &board->lights;
	uint32_t low_ns, high_ns;

	(void)irq;
	if ((level != 0) == line->high)
		return;
	if (level) {
		latch_lights(board);
		low_ns = ns_of(board->avr->cycle - line->fell);
		line->faults += line->bits && (low_ns < LOW_MIN || low_ns > GAP_MAX);
		line->rose = board->avr->cycle;
	} else {
		high_ns = ns_of(board->avr->cycle - line->rose);
		line->faults += !((high_ns >= ZERO_HIGH_MIN && high_ns <= ZERO_HIGH_MAX) ||
		    (high_ns >= ONE_HIGH_MIN && high_ns <= ONE_HIGH_MAX));
		take_bit(line, high_ns > (ZERO_HIGH_MAX + ONE_HIGH_MIN) / 2);
		line->fell = board->avr->cycle;
	}
	line->high = level != 0;
}

const uint8_t *
board_led(struct board *board, unsigned bay)
{
	latch_lights(board);
	return board->lights.shown[bay % BOARD_BAYS];
}

uint32_t
board_led_frames(struct board *board)
{
	latch_lights(board);
	return board->lights.frames;
}

uint32_t
board_led_faults(const struct board *board)
{
	return board->lights.faults;
}

int
board_buzzer(const struct board *board)
{
	return given(board, PIN_buzzer, 0);
}

/* --- connecting */

struct wire {
	enum pin pin;
	void   (*on_change)(avr_irq_t *irq, uint32_t level, void *board);
};

static const struct wire wires[] = {
	{ PIN_switch_latch, on_latch },
	{ PIN_input_load, on_load },
	{ PIN_lights, on_light },
};

void
parts_connect(struct board *board)
{
	for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
		avr_irq_register_notify(pin_irq(board, wires[i].pin), wires[i].on_change, board);
	avr_register_io_write(board->avr, AT_SPDR, begin_byte, board);
	avr_irq_register_notify(avr_io_getirq(board->avr, (uint32_t)AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), on_sample, board);
}

/* The chip lets go of its pins; the shift registers and the LEDs keep what they have. simavr tells a level only when it is another than
 * the last it told. */
void
parts_reset(struct board *board)
{
	for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
		pin_irq(board, wires[i].pin)->value = 0;
	board->latch = board->load = 0;
	if (board->lights.high)
		board->lights.fell = board->avr->cycle;
	board->lights.high = 0;
}

/* --- what people and tokens do */

static void
set_bit(uint16_t *bits, unsigned bay, int on)
{
	*bits = (uint16_t)((*bits & ~(1u << bay)) | (unsigned)(on != 0) << bay);
}

void
board_presence(struct board *board, unsigned bay, int present)
{
	set_bit(&board->present, bay, present);
}

void
board_over_current(struct board *board, unsigned bay, int flagged)
{
	set_bit(&board->flagged, bay, flagged);
}

void
board_vbus_mv(struct board *board, unsigned bay, uint16_t mv)
{
	board->vbus_mv[bay % BOARD_BAYS] = mv;
}

void
board_button(struct board *board, enum board_button button, int down)
{
	static const enum pin pin_of[] = {
		[BOARD_CONFIRM] = PIN_button_confirm, [BOARD_QUIET] = PIN_button_quiet, [BOARD_LAMPS] = PIN_button_lamps,
	};

	drive(board, pin_of[button], !down);
}

void
board_lid(struct board *board, int open)
{
	drive(board, PIN_lid, open);
}

void
board_stop(struct board *board, int pressed)
{
	board->stop_pressed = pressed != 0;
	drive(board, PIN_stop, pressed);
}

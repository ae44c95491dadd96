#include "tests/station/host.h"

#include <stdlib.h>

enum { ADDRESS = 7, CONFIGURATION_HEAD = 9, DESCRIPTORS_MAX = 512, KEEP_ALIVE_MS = 500 };
enum { SET_ADDRESS = 5, GET_DESCRIPTOR = 6, SET_CONFIGURATION = 9, DEVICE = 1, CONFIGURATION = 2 };

const char *
host_firmware(void)
{
	const char *named = getenv("FIRMWARE");

	return named ? named : "build/fw/station.elf";
}

int
host_request(struct board *board, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length, uint8_t *data)
{
	const uint8_t setup[8] = {
		type, request, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index, (uint8_t)(index >> 8), (uint8_t)length, (uint8_t)(length >> 8),
	};

	return board_control(board, setup, data, HOST_TIMEOUT_US);
}

int
host_enumerate(struct board *board)
{
	uint8_t bytes[DESCRIPTORS_MAX];
	int r;

	board_usb_reset(board);
	r = host_request(board, 0x80, GET_DESCRIPTOR, DEVICE << 8, 0, BOARD_PACKET_MAX, bytes);
	if (r >= 0)
		r = host_request(board, 0x00, SET_ADDRESS, ADDRESS, 0, 0, NULL);
	if (r >= 0)
		r = host_request(board, 0x80, GET_DESCRIPTOR, CONFIGURATION << 8, 0, CONFIGURATION_HEAD, bytes);
	if (r >= 0)
		r = host_request(board, 0x80, GET_DESCRIPTOR, CONFIGURATION << 8, 0, bytes[2], bytes);
	if (r >= 0)
		r = host_request(board, 0x00, SET_CONFIGURATION, 1, 0, 0, NULL);
	return r < 0 ? r : 0;
}

int
host_exchange(struct board *board, const uint8_t *packet, uint32_t length, uint8_t answer[BOARD_PACKET_MAX])
{
	int r = board_out(board, STATION_ENDPOINT_COMMANDS, packet, length, HOST_TIMEOUT_US);

	return r < 0 ? r : board_in(board, STATION_ENDPOINT_ANSWERS, answer, BOARD_PACKET_MAX, HOST_TIMEOUT_US);
}

int
host_command(struct board *board, struct station_frame *command, struct station_frame *answer)
{
	static uint16_t sequence;
	uint8_t out[STATION_FRAME_MAX], in[BOARD_PACKET_MAX];
	int r;

	command->sequence = ++sequence;
	r = host_exchange(board, out, station_put(command, out), in);
	if (r < 0 || station_get(answer, in, (size_t)r) != STATION_FINE)
		return -1;
	return answer->sequence == command->sequence ? 0 : -1;
}

static int
ask_state(struct board *board, struct station_frame *command, struct station_state *state)
{
	struct station_frame answer;

	if (host_command(board, command, &answer) != 0 || answer.number != STATION_state)
		return -1;
	*state = answer.state;
	return 0;
}

int
host_set(struct board *board, uint16_t powered, uint16_t burning, struct station_state *state)
{
	struct station_frame command = { .number = STATION_set, .set = { .powered = powered, .burning = burning } };

	return ask_state(board, &command, state);
}

int
host_look(struct board *board, struct station_state *state)
{
	struct station_frame command = { .number = STATION_look };

	return ask_state(board, &command, state);
}

void
host_wait_ms(struct board *board, uint32_t ms)
{
	struct station_state state;

	while (ms) {
		const uint32_t step_ms = ms < KEEP_ALIVE_MS ? ms : KEEP_ALIVE_MS;

		board_run_us(board, step_ms * 1000);
		host_look(board, &state);
		ms -= step_ms;
	}
}

int
host_event(struct board *board, struct station_state *state, uint32_t timeout_us)
{
	struct station_frame frame;
	uint8_t packet[BOARD_PACKET_MAX];
	int r = board_in(board, STATION_ENDPOINT_EVENTS, packet, sizeof packet, timeout_us);

	if (r < 0 || station_get(&frame, packet, (size_t)r) != STATION_FINE || frame.number != STATION_state)
		return -1;
	*state = frame.state;
	return 0;
}

void
host_drain(struct board *board)
{
	struct station_state state;

	for (int i = 0; i < 16 && host_event(board, &state, 3000) == 0; i++)
		;
}

#include "tests/station/lines.h"
#include "tests/station/shim_wire.h"

#include <errno.h>
#include <linux/gpio.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 5, REQUESTS_MAX = LINES_POLLED_MAX };

static struct line {
	const char *name;
	int         value;
	bool        is_output;
	bool        is_taken;
} lines[LINES] = { { .name = "LAMP_RED" }, { .name = "LAMP_AMBER" }, { .name = "LAMP_GREEN" }, { .name = "PEDAL" }, { .name = "STOP" } };

/* A line that a program has; its number on the wire is its place here, from 1. */
static struct request {
	bool     used;
	int      fd;       /* the other end is the program's */
	unsigned line;
	uint32_t edges;    /* of an event request; 0 of a handle */
} requests[REQUESTS_MAX];

/* The place of a new request of that line, with its descriptor for the program; a negative errno. */
static int
take(unsigned line, int *fd)
{
	int ends[2], place = 0;

	if (line >= LINES)
		return -EINVAL;
	if (lines[line].is_taken)
		return -EBUSY;
	while (place < REQUESTS_MAX && requests[place].used)
		place++;
	if (place == REQUESTS_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -ENOMEM;
	requests[place] = (struct request){ .used = true, .fd = ends[0], .line = line };
	lines[line].is_taken = true;
	*fd = ends[1];
	return place;
}

static int
describe_line(struct gpioline_info *info)
{
	unsigned line = info->line_offset;

	if (line >= LINES)
		return -EINVAL;
	*info = (struct gpioline_info){ .line_offset = line };
	info->flags = (lines[line].is_output ? GPIOLINE_FLAG_IS_OUT : 0) | (lines[line].is_taken ? GPIOLINE_FLAG_KERNEL : 0);
	snprintf(info->name, sizeof info->name, "%s", lines[line].name);
	return 0;
}

static int
take_handle(const struct gpiohandle_request *wanted, uint32_t *number, int *fd)
{
	int place = wanted->lines == 1 ? take(wanted->lineoffsets[0], fd) : -EINVAL;

	if (place < 0)
		return place;
	lines[requests[place].line].is_output = wanted->flags & GPIOHANDLE_REQUEST_OUTPUT;
	if (wanted->flags & GPIOHANDLE_REQUEST_OUTPUT)
		lines[requests[place].line].value = wanted->default_values[0];
	*number = (uint32_t)place + 1;
	return 0;
}

static int
take_events(const struct gpioevent_request *wanted, uint32_t *number, int *fd)
{
	int place = take(wanted->lineoffset, fd);

	if (place < 0)
		return place;
	lines[requests[place].line].is_output = false;
	requests[place].edges = wanted->eventflags;
	*number = (uint32_t)place + 1;
	return 0;
}

static int
use_value(uint32_t number, struct gpiohandle_data *data, bool set)
{
	struct request *request = &requests[number - 1];

	if (number < 1 || number > REQUESTS_MAX || !request->used)
		return -EBADF;
	if (set && !lines[request->line].is_output)
		return -EPERM;
	if (set)
		lines[request->line].value = data->values[0];
	else
		data->values[0] = (uint8_t)lines[request->line].value;
	return 0;
}

void
lines_request(struct shim_packet *packet, int *fd)
{
	union {
		struct gpiochip_info      chip;
		struct gpioline_info      line;
		struct gpiohandle_request handle;
		struct gpioevent_request  event;
		struct gpiohandle_data    data;
		uint8_t                   bytes[SHIM_DATA_MAX];
	} argument;

	*fd = -1;
	memcpy(argument.bytes, packet->data, sizeof argument.bytes);
	packet->result = 0;
	switch (packet->number) {
	case GPIO_GET_CHIPINFO_IOCTL:
		argument.chip = (struct gpiochip_info){ .name = "gpiochip0", .label = "bench", .lines = LINES };
		break;
	case GPIO_GET_LINEINFO_IOCTL:
		packet->result = describe_line(&argument.line);
		break;
	case GPIO_GET_LINEHANDLE_IOCTL:
		packet->result = take_handle(&argument.handle, &packet->line, fd);
		break;
	case GPIO_GET_LINEEVENT_IOCTL:
		packet->result = take_events(&argument.event, &packet->line, fd);
		break;
	case GPIOHANDLE_GET_LINE_VALUES_IOCTL:
	case GPIOHANDLE_SET_LINE_VALUES_IOCTL:
		packet->result = use_value(packet->line, &argument.data, packet->number == GPIOHANDLE_SET_LINE_VALUES_IOCTL);
		break;
	default:
		packet->result = -ENOTTY;
	}
	memcpy(packet->data, argument.bytes, packet->bytes);
}

unsigned
lines_polled(struct pollfd *polled)
{
	unsigned count = 0;

	for (size_t i = 0; i < REQUESTS_MAX; i++)
		if (requests[i].used)
			polled[count++] = (struct pollfd){ .fd = requests[i].fd, .events = POLLIN };
	return count;
}

void
lines_closed(int fd)
{
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		if (!requests[i].used || requests[i].fd != fd)
			continue;
		close(fd);
		lines[requests[i].line].is_taken = false;
		requests[i].used = false;
	}
}

static void
tell_edge(const struct request *request, int value)
{
	struct gpioevent_data event = { .id = value ? GPIOEVENT_EVENT_RISING_EDGE : GPIOEVENT_EVENT_FALLING_EDGE };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	event.timestamp = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	(void)!write(request->fd, &event, sizeof event);
}

int
lines_drive(const char *name, int value)
{
	unsigned line = 0;

	while (line < LINES && strcmp(lines[line].name, name) != 0)
		line++;
	if (line == LINES)
		return -1;
	if (lines[line].value == value)
		return 0;
	lines[line].value = value;
	for (size_t i = 0; i < REQUESTS_MAX; i++)
		if (requests[i].used && requests[i].line == line &&
		    requests[i].edges & (value ? GPIOEVENT_REQUEST_RISING_EDGE : GPIOEVENT_REQUEST_FALLING_EDGE))
			tell_edge(&requests[i], value);
	return 0;
}

const char *
lines_value(unsigned place, int *value)
{
	if (place >= LINES)
		return NULL;
	*value = lines[place].value;
	return lines[place].name;
}

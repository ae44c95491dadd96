/* shim.so: /dev/bus/usb and /dev/gpiochip0 of a simulated bench. Loaded before a program (LD_PRELOAD, in front of libumockdev-preload,
 * which shows the same devices in sysfs and tells of their coming and going), it gives what the program does with these devices to
 * station-usb, whose socket STATION_DEVICES names. The program has the real libusb and the real libgpiod and does not know of it.
 *
 * What stands for an open USB device is the writing end of a pipe of one page: with a byte in it poll(2) says nothing, when station-usb takes
 * the byte out it says POLLOUT, as usbfs does when a URB can be reaped, and when the reading end is closed POLLERR, as after an unplug.
 */
#include "tests/station/shim_wire.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define GPIO_CHIP_NAME "gpiochip0"
#define GPIO_CHIP "/dev/" GPIO_CHIP_NAME
#define GPIO_NUMBER "254:0\n"

enum { FDS_MAX = 1024 };

enum kind { NOT_OURS, USB, GPIO, GPIO_LINE };

/* What each descriptor of the program stands for. */
static struct {
	enum kind kind;
	int       socket;   /* to station-usb; of a GPIO line that of its chip, which is closed after it */
	uint32_t  line;
} table[FDS_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define NEXT(name) ((__typeof__(&name))next(#name))

/* The function of that name behind this library. */
static void *
next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static enum kind
kind_of(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? table[fd].kind : NOT_OURS;
}

/* --- station-usb */

static int
connect_to_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("STATION_DEVICES");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || !path || strlen(path) >= sizeof address.sun_path) {
		errno = ENODEV;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	NEXT(close)(fd);
	errno = ENODEV;
	return -1;
}

/* Sends a request and waits for its reply. *passed becomes the descriptor that came along, −1 none. −1 with errno, else 0. */
static int
ask(int socket_fd, struct shim_packet *packet, int *passed)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec part = { packet, sizeof *packet };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *head;
	ssize_t got;

	*passed = -1;
	pthread_mutex_lock(&lock);
	if (NEXT(send)(socket_fd, packet, sizeof *packet - sizeof packet->data + packet->bytes, MSG_NOSIGNAL) < 0)
		got = -1;
	else
		got = NEXT(recvmsg)(socket_fd, &message, MSG_CMSG_CLOEXEC);
	pthread_mutex_unlock(&lock);
	if (got <= 0) {
		errno = ENODEV;
		return -1;
	}
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(head), sizeof *passed);
	if (packet->result < 0) {
		errno = -packet->result;
		return -1;
	}
	return 0;
}

/* --- open and close */

static int
open_device(const char *path, enum kind kind)
{
	struct shim_packet packet = { .call = SHIM_OPEN, .bytes = (uint32_t)strlen(path) + 1 };
	int socket_fd = connect_to_server(), fd = -1, failed;

	if (socket_fd < 0)
		return -1;
	memcpy(packet.data, path, packet.bytes);
	if (ask(socket_fd, &packet, &fd) != 0 || fd < 0 || fd >= FDS_MAX) {
		failed = errno;
		NEXT(close)(socket_fd);
		errno = failed;
		return -1;
	}
	table[fd].kind = kind;
	table[fd].socket = socket_fd;
	return fd;
}

static int
open_sysfs_number(void)
{
	int fd = memfd_create("dev", MFD_CLOEXEC);

	if (fd >= 0 && (NEXT(write)(fd, GPIO_NUMBER, strlen(GPIO_NUMBER)) < 0 || lseek(fd, 0, SEEK_SET) != 0))
		return -1;
	return fd;
}

static int is_gpio(const char *path) { return strcmp(path, GPIO_CHIP) == 0; }
static int is_gpio_number(const char *path) { return strcmp(path, "/sys/bus/gpio/devices/gpiochip0/dev") == 0; }
static int is_usb(const char *path) { return strncmp(path, "/dev/bus/usb/", strlen("/dev/bus/usb/")) == 0 && strlen(path) > strlen("/dev/bus/usb/001"); }

/* −2: not ours. */
static int
open_ours(const char *path)
{
	return is_gpio_number(path) ? open_sysfs_number() : is_gpio(path) ? open_device(path, GPIO) : is_usb(path) ? open_device(path, USB) : -2;
}

#define OPEN(name) \
	int \
	name(const char *path, int flags, ...) \
	{ \
		int fd = open_ours(path); \
		va_list rest; \
		mode_t mode; \
		if (fd != -2) \
			return fd; \
		va_start(rest, flags); \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
		va_end(rest); \
		return NEXT(name)(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

/* What open becomes in a program that was built with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags); /* NOLINT(bugprone-reserved-identifier): the C library's name */
int
__open_2(const char *path, int flags) /* NOLINT(bugprone-reserved-identifier) */
{
	int fd = open_ours(path);

	return fd != -2 ? fd : NEXT(__open_2)(path, flags);
}

int
close(int fd)
{
	if (kind_of(fd) == USB || kind_of(fd) == GPIO)
		NEXT(close)(table[fd].socket);
	if (kind_of(fd) != NOT_OURS)
		table[fd].kind = NOT_OURS;
	return NEXT(close)(fd);
}

/* --- what libgpiod looks at before it opens a chip */

static void
describe_chip(struct stat *description)
{
	*description = (struct stat){ .st_mode = S_IFCHR | 0660, .st_rdev = makedev(254, 0), .st_nlink = 1 };
}

int
lstat(const char *path, struct stat *description)
{
	if (!is_gpio(path))
		return NEXT(lstat)(path, description);
	describe_chip(description);
	return 0;
}

int
stat(const char *path, struct stat *description)
{
	if (!is_gpio(path))
		return NEXT(stat)(path, description);
	describe_chip(description);
	return 0;
}

int
access(const char *path, int mode)
{
	return is_gpio(path) || is_gpio_number(path) ? 0 : NEXT(access)(path, mode);
}

int
scandir(const char *path, struct dirent ***list, int (*filter)(const struct dirent *), int (*compare)(const struct dirent **, const struct dirent **))
{
	struct dirent *chip;

	if (strcmp(path, "/dev") != 0 && strcmp(path, "/dev/") != 0)
		return NEXT(scandir)(path, list, filter, compare);
	chip = calloc(1, sizeof *chip);
	*list = calloc(1, sizeof **list);
	if (!chip || !*list)
		return -1;
	strcpy(chip->d_name, GPIO_CHIP_NAME);
	chip->d_type = DT_CHR;
	(*list)[0] = chip;
	return !filter || filter(chip) ? 1 : 0;
}

/* --- USB */

static int
is_in(const struct usbdevfs_urb *urb)
{
	return urb->type == USBDEVFS_URB_TYPE_CONTROL ? ((const uint8_t *)urb->buffer)[0] & 0x80 : urb->endpoint & 0x80;
}

static int
submit_urb(int fd, struct usbdevfs_urb *urb)
{
	struct shim_packet packet = { .call = SHIM_SUBMIT, .id = (uintptr_t)urb, .type = urb->type, .endpoint = urb->endpoint };
	int passed, setup = urb->type == USBDEVFS_URB_TYPE_CONTROL ? 8 : 0;

	if (urb->buffer_length > SHIM_DATA_MAX) {
		errno = EINVAL;
		return -1;
	}
	packet.length = (uint32_t)urb->buffer_length;
	packet.bytes = (uint32_t)(is_in(urb) ? setup : urb->buffer_length);
	if (packet.bytes > 0)
		memcpy(packet.data, urb->buffer, packet.bytes);
	return ask(table[fd].socket, &packet, &passed);
}

/* The byte goes into the pipe first: what is finished from now on takes it out again. */
static int
reap_urb(int fd, void **place)
{
	struct shim_packet packet = { .call = SHIM_REAP };
	struct usbdevfs_urb *urb;
	int passed;

	(void)!NEXT(write)(fd, "", 1);
	if (ask(table[fd].socket, &packet, &passed) != 0)
		return -1;
	urb = (struct usbdevfs_urb *)(uintptr_t)packet.id; /* NOLINT(performance-no-int-to-ptr): usbfs tells URBs by their addresses */
	urb->status = packet.status;
	urb->actual_length = (int)packet.length;
	if (packet.bytes > 0)
		memcpy((uint8_t *)urb->buffer + (urb->type == USBDEVFS_URB_TYPE_CONTROL ? 8 : 0), packet.data, packet.bytes);
	*place = urb;
	return 0;
}

static int
usb_ioctl(int fd, unsigned long number, void *argument)
{
	struct shim_packet packet = { .call = SHIM_IOCTL, .number = number, .bytes = _IOC_SIZE(number) };
	int passed;

	if (number == USBDEVFS_SUBMITURB)
		return submit_urb(fd, argument);
	if (number == USBDEVFS_REAPURBNDELAY)
		return reap_urb(fd, argument);
	if (number == USBDEVFS_DISCARDURB) {
		packet = (struct shim_packet){ .call = SHIM_DISCARD, .id = (uintptr_t)argument };
		return ask(table[fd].socket, &packet, &passed);
	}
	if (argument && packet.bytes > 0)
		memcpy(packet.data, argument, packet.bytes);
	if (ask(table[fd].socket, &packet, &passed) != 0)
		return -1;
	if (argument && _IOC_DIR(number) & _IOC_READ)
		memcpy(argument, packet.data, _IOC_SIZE(number));
	return 0;
}

/* --- GPIO */

static void
take_line(const struct shim_packet *packet, void *argument, int chip, int passed)
{
	if (passed < 0 || passed >= FDS_MAX)
		return;
	table[passed].kind = GPIO_LINE;
	table[passed].socket = table[chip].socket;
	table[passed].line = packet->line;
	if (packet->number == GPIO_GET_LINEHANDLE_IOCTL)
		((struct gpiohandle_request *)argument)->fd = passed;
	else
		((struct gpioevent_request *)argument)->fd = passed;
}

static int
gpio_ioctl(int fd, unsigned long number, void *argument)
{
	struct shim_packet packet = { .call = SHIM_IOCTL, .number = number, .line = table[fd].line, .bytes = _IOC_SIZE(number) };
	int passed;

	memcpy(packet.data, argument, packet.bytes);
	if (ask(table[fd].socket, &packet, &passed) != 0)
		return -1;
	memcpy(argument, packet.data, _IOC_SIZE(number));
	take_line(&packet, argument, fd, passed);
	return 0;
}

int
ioctl(int fd, unsigned long number, ...)
{
	va_list rest;
	void *argument;

	va_start(rest, number);
	argument = va_arg(rest, void *);
	va_end(rest);
	switch (kind_of(fd)) {
	case USB:
		return usb_ioctl(fd, number, argument);
	case GPIO:
	case GPIO_LINE:
		return gpio_ioctl(fd, number, argument);
	case NOT_OURS:
		break;
	}
	return NEXT(ioctl)(fd, number, argument);
}

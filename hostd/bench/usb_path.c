#include "hostd/bench/usb_path.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES "/sys/bus/usb/devices"

/* The first word of an attribute; −1 when it is not there. */
static int
read_attribute(const char *device, const char *name, char *value, size_t size)
{
	char path[PATH_MAX];
	FILE *file;
	int r;

	snprintf(path, sizeof path, DEVICES "/%s/%s", device, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	r = fgets(value, (int)size, file) ? 0 : -1;
	fclose(file);
	if (r == 0)
		value[strcspn(value, "\n")] = '\0';
	return r;
}

static int
has_number(const char *device, const char *name, unsigned number)
{
	char value[16];

	return read_attribute(device, name, value, sizeof value) == 0 && strtoul(value, NULL, 10) == number;
}

/* Interfaces, "1-2:1.0", lie beside the devices. */
int
usb_path_of_address(unsigned bus, unsigned address, char path[USB_PATH_BYTES])
{
	DIR *directory = opendir(DEVICES);
	struct dirent *entry;
	int r = -1;

	path[0] = '\0';
	while (directory && r != 0 && (entry = readdir(directory)))
		if (isdigit((unsigned char)entry->d_name[0]) && !strchr(entry->d_name, ':') && strlen(entry->d_name) < USB_PATH_BYTES &&
		    has_number(entry->d_name, "busnum", bus) && has_number(entry->d_name, "devnum", address)) {
			memcpy(path, entry->d_name, strlen(entry->d_name) + 1);
			r = 0;
		}
	if (directory)
		closedir(directory);
	return r;
}

static bool
says(const char *path, const char *attribute, const char *expected)
{
	char value[64];

	return read_attribute(path, attribute, value, sizeof value) == 0 && strcmp(value, expected) == 0;
}

bool
usb_path_is_named(const char *path, const char *maker, const char *product)
{
	return says(path, "manufacturer", maker) && says(path, "product", product);
}

void
usb_path_serial(const char *path, char serial[USB_SERIAL_BYTES])
{
	serial[0] = '\0';
	if (read_attribute(path, "serial", serial, USB_SERIAL_BYTES) != 0)
		serial[0] = '\0';
	for (char *at = serial; *at; at++) /* from a device: what is no plain character is told as one */
		if (!isprint((unsigned char)*at))
			*at = '?';
}

int
usb_path_hub(const char *path, char hub[USB_PATH_BYTES], unsigned *port)
{
	const char *dot = strrchr(path, '.'), *dash = strchr(path, '-');
	size_t length = strlen(path);

	if (!dash || length >= USB_PATH_BYTES - 3)
		return -1;
	if (dot)
		snprintf(hub, USB_PATH_BYTES, "%.*s", (int)(dot - path), path);
	else
		snprintf(hub, USB_PATH_BYTES, "usb%.*s", (int)(dash - path), path);
	*port = (unsigned)strtoul((dot ? dot : dash) + 1, NULL, 10);
	return *port > 0 ? 0 : -1;
}

/* A port's directory: "1-2:1.0/1-2-port3", of a root hub "1-0:1.0/usb1-port2". */
int
usb_path_peer(const char *hub, unsigned port, char peer_hub[USB_PATH_BYTES], unsigned *peer_port)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *name, *end;
	ssize_t length;

	if (strncmp(hub, "usb", 3) == 0)
		snprintf(link, sizeof link, DEVICES "/%s-0:1.0/%s-port%u/peer", hub + 3, hub, port);
	else
		snprintf(link, sizeof link, DEVICES "/%s:1.0/%s-port%u/peer", hub, hub, port);
	length = readlink(link, target, sizeof target - 1);
	if (length < 0)
		return -1;
	target[length] = '\0';
	name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	end = strstr(name, "-port");
	if (!end || end - name >= USB_PATH_BYTES)
		return -1;
	snprintf(peer_hub, USB_PATH_BYTES, "%.*s", (int)(end - name), name);
	*peer_port = (unsigned)strtoul(end + strlen("-port"), NULL, 10);
	return *peer_port > 0 ? 0 : -1;
}

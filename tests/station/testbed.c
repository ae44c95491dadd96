#include "tests/station/testbed.h"
#include "tests/station/host_bus.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <umockdev.h>

#define ROOT "/devices/pci0000:00/0000:00:14.0/usb1"
#define STATION_PATH ROOT "/1-2"

/* A root hub and a hub of the standard class, with one interrupt endpoint (USB 2.0, 11.23). */
#define HUB_DESCRIPTORS(product) "12010002090001406B1D" product "000601020101" "09021900010100E000" "090400000109000000" "0705810304000C"

struct testbed {
	UMockdevTestbed *umockdev;
	char            *directory;
	int              address;
	bool             plugged;
};

static int
add(struct testbed *testbed, const char *path, const char *port, int address, const char *speed, const char *descriptors, const char *strings)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strdup_printf(
	    "P: %s\nN: bus/usb/001/%03d\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DEVNAME=/dev/bus/usb/001/%03d\nE: BUSNUM=001\nE: DEVNUM=%03d\n"
	    "E: MAJOR=189\nE: MINOR=%d\nA: busnum=1\\n\nA: devnum=%d\\n\nA: devpath=%s\\n\nA: bConfigurationValue=1\\n\nA: speed=%s\\n\nA: bNumConfigurations=1\\n\n"
	    "%sH: descriptors=%s\n\n", path, address, address, address, address - 1, address, port, speed, strings, descriptors);

	if (umockdev_testbed_add_from_string(testbed->umockdev, text, &error))
		return 0;
	fprintf(stderr, "station-usb: umockdev: %s\n", error->message);
	return -1;
}

struct testbed *
testbed_new(void)
{
	struct testbed *testbed = calloc(1, sizeof *testbed);

	if (!testbed)
		return NULL;
	testbed->umockdev = umockdev_testbed_new();
	if (!umockdev_in_mock_environment()) {
		fputs("station-usb: start it with umockdev-wrapper\n", stderr);
		testbed_free(&testbed);
		return NULL;
	}
	testbed->directory = umockdev_testbed_get_root_dir(testbed->umockdev);
	testbed->address = TESTBED_HUB_ADDRESS;
	if (add(testbed, ROOT, "0", 1, "480", HUB_DESCRIPTORS("0200"), "") != 0 ||
	    add(testbed, ROOT "/1-4", "4", TESTBED_HUB_ADDRESS, "480", HUB_DESCRIPTORS("0002"), "") != 0)
		testbed_free(&testbed);
	return testbed;
}

void
testbed_free(struct testbed **place)
{
	struct testbed *testbed = *place;

	*place = NULL;
	if (!testbed)
		return;
	g_object_unref(testbed->umockdev);
	g_free(testbed->directory);
	free(testbed);
}

const char *
testbed_directory(const struct testbed *testbed)
{
	return testbed->directory;
}

int
testbed_plug(struct testbed *testbed, const struct bus_device *device)
{
	char hexadecimal[2 * BUS_DESCRIPTORS_MAX + 1] = "";
	g_autofree char *strings = NULL;

	for (unsigned i = 0; i < device->descriptor_bytes; i++)
		snprintf(hexadecimal + 2 * (size_t)i, 3, "%02X", device->descriptors[i]);
	testbed->address++;
	strings = g_strdup_printf("A: manufacturer=%s\\n\nA: product=%s\\n\nA: serial=%s\\n\n", device->maker, device->product, device->serial);
	testbed->plugged = add(testbed, STATION_PATH, "2", testbed->address, "12", hexadecimal, strings) == 0;
	return testbed->plugged ? testbed->address : -1;
}

void
testbed_unplug(struct testbed *testbed)
{
	if (!testbed->plugged)
		return;
	testbed->plugged = false;
	umockdev_testbed_uevent(testbed->umockdev, "/sys" STATION_PATH, "remove");
	umockdev_testbed_remove_device(testbed->umockdev, "/sys" STATION_PATH);
}

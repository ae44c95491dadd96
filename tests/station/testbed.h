/* The machine's USB tree as sysfs and udev show it, by umockdev: a root hub, the station at port 1-2 while it is plugged in, and a hub at 1-4.
 * Runs under umockdev-wrapper: events of coming and going do not reach anybody otherwise. */
#ifndef MINT_TESTS_STATION_TESTBED_H
#define MINT_TESTS_STATION_TESTBED_H

struct bus_device;
struct testbed;

enum { TESTBED_HUB_ADDRESS = 2 };

/* NULL after a line on stderr. Its directory is removed by testbed_free. */
struct testbed *testbed_new(void);
void testbed_free(struct testbed **testbed);

/* For UMOCKDEV_DIR of the programs that are to see it; valid as long as the testbed. */
const char *testbed_directory(const struct testbed *testbed);

/* The station came; returns its address, another one each time, or −1. And went. */
int testbed_plug(struct testbed *testbed, const struct bus_device *device);
void testbed_unplug(struct testbed *testbed);

#endif

/* The VBUS of bays: what is wanted, what is given, and power-cycling, whatever switches a bay (a station, or its hub's port).
 *
 * Wanted from the start: every bay that can be switched has power, as no token appears without. An emergency stop takes it from all bays
 * of the station that tells of it, and from all bays by the host's own echo line; after its release power is given again. Where the configuration names an echo line, hubs give no
 * power before it was read: power_stop. */
#ifndef MINT_BENCH_POWER_H
#define MINT_BENCH_POWER_H

#include "hostd/bench/station.h"

struct config;
struct event_base;
struct power;
struct usb;

/* Messages supply and cycled. */
typedef void power_tell(const struct message *message, void *argument);

/* `stations` are those of the configuration; they and `usb` (NULL: no hub can be reached) outlive it. NULL when out of memory. */
struct power *power_new(struct event_base *base, const struct config *config, struct station *const *stations, struct usb *usb,
    power_tell *tell, void *argument);
void power_free(struct power **power);

/* Begins to want power for all switchable bays. How they stand is not known, and told so, until the hardware has answered: a port whose hub
 * does not switch it has power all the time. */
void power_begin(struct power *power);

/* Whether a bay, its place, shall have power while nothing else forbids it; of one that cannot be switched nothing happens. */
void power_want(struct power *power, size_t bay, bool on);
enum supply power_supply(const struct power *power, size_t bay);

/* Power-cycles a bay; answered by `cycled`, sooner or later. */
void power_cycle(struct power *power, int number);

/* What the stations and the echo line tell. */
void power_station_changed(struct power *power, const struct station *station);
void power_station_measured(struct power *power, const struct station *station, const struct station_voltages *voltages);
void power_stop(struct power *power, bool stopped);

#endif

/* What the configuration says of boards, lines and power. */
#include "hostd/base/conf_file.h"
#include "hostd/base/config.h"
#include "hostd/base/config_internal.h"
#include "schemas/errors.h"
#include "schemas/station.h"

#include <stdlib.h>
#include <string.h>

static const char *const powers[] = { "none", "station", "hub" }; /* enum config_power */

static const char *const line_names[CONFIG_LINES] = { "lamp_red", "lamp_amber", "lamp_green", "pedal", "stop" };

const char *
config_line_name(enum config_line line)
{
	return line_names[line];
}

/* --- stations */

static bool
is_station_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t length = strlen(name);

	return length > 0 && length <= CONFIG_STATION_NAME_MAX && strspn(name, allowed) == length;
}

/* Against those before it. */
static int
check_neighbours(const struct config *config, struct conf_file *file, cfg_t *section, const struct config_station *station)
{
	for (size_t i = 0; i < config->station_count; i++) {
		const struct config_station *other = &config->stations[i];

		if (abs(other->first_bay - station->first_bay) < STATION_BAYS)
			return conf_file_refuse(file, section, "first_bay", "station %s: first_bay: has bays of station %s, which are %d to %d: give a number "
			    "that is %d away from %d at least", station->name, other->name, other->first_bay, other->first_bay + STATION_BAYS - 1,
			    STATION_BAYS, other->first_bay);
		if (!other->serial[0] || !station->serial[0])
			return conf_file_refuse(file, section, "serial", "station %s: there is more than one: give each `serial = \"…\"`, as `lsusb -v` shows it",
			    station->name);
		if (strcmp(other->serial, station->serial) == 0)
			return conf_file_refuse(file, section, "serial", "station %s: serial: station %s has \"%s\" already: give each its own", station->name,
			    other->name, station->serial);
	}
	return 0;
}

static int
check_station(const struct config *config, struct conf_file *file, cfg_t *section, const struct config_station *station, long first_bay)
{
	if (!is_station_name(station->name))
		return conf_file_refuse(file, section, NULL, "station \"%s\": is no name: give letters, digits, _ and -, at most %d", station->name,
		    CONFIG_STATION_NAME_MAX);
	if (strlen(station->serial) > CONFIG_SERIAL_MAX)
		return conf_file_refuse(file, section, "serial", "station %s: serial: is longer than %d bytes: give the one that `lsusb -v` shows",
		    station->name, CONFIG_SERIAL_MAX);
	if (first_bay < 1 || first_bay > CONFIG_BAYS_MAX)
		return conf_file_refuse(file, section, "first_bay", "station %s: first_bay: is %ld: give a bay number from 1 to %d", station->name,
		    first_bay, CONFIG_BAYS_MAX);
	return check_neighbours(config, file, section, station);
}

static int
take_station(struct config *config, struct conf_file *file, cfg_t *section)
{
	struct config_station *station = &config->stations[config->station_count];
	long first_bay = cfg_getint(section, "first_bay");
	int r;

	station->name = strdup(cfg_title(section));
	station->serial = strdup(cfg_getstr(section, "serial"));
	station->first_bay = (int)first_bay;
	r = station->name && station->serial ? check_station(config, file, section, station, first_bay) : MINT_MEMORY;
	config->station_count += r == 0;
	return r;
}

static int
take_stations(struct config *config, struct conf_file *file, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "station");
	int r = 0;

	if (count > CONFIG_STATIONS_MAX)
		return conf_file_refuse(file, NULL, NULL, "has %u sections `station`: give at most %d", count, CONFIG_STATIONS_MAX);
	config->stations = calloc(count + 1, sizeof *config->stations); /* the last one may be half made */
	if (!config->stations)
		return MINT_MEMORY;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = take_station(config, file, cfg_getnsec(cfg, "station", i));
	return r;
}

/* --- lines */

static int
check_line(const struct config *config, struct conf_file *file, cfg_t *section, enum config_line line)
{
	const char *name = config->lines[line];

	if (strlen(name) > CONFIG_LINE_NAME_MAX)
		return conf_file_refuse(file, section, line_names[line], "lines: %s: is longer than %d bytes, which no line's name is: see `gpioinfo`",
		    line_names[line], CONFIG_LINE_NAME_MAX);
	for (enum config_line other = 0; other < line; other++)
		if (name[0] && strcmp(config->lines[other], name) == 0)
			return conf_file_refuse(file, section, line_names[line], "lines: %s: \"%s\" is %s already: one use a line", line_names[line], name,
			    line_names[other]);
	return 0;
}

static int
take_lines(struct config *config, struct conf_file *file, cfg_t *cfg)
{
	cfg_t *section = cfg_getsec(cfg, "lines");
	int r = 0;

	for (enum config_line line = 0; line < CONFIG_LINES && r == 0; line++) {
		config->lines[line] = strdup(section ? cfg_getstr(section, line_names[line]) : "");
		r = config->lines[line] ? check_line(config, file, section, line) : MINT_MEMORY;
	}
	return r;
}

/* --- bays */

/* Where the number ends that begins here; NULL there is none. */
static const char *
past_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 ? text + digits : NULL;
}

bool
config_is_port(const char *text)
{
	const char *at = past_number(text);

	if (!at || *at != '-' || strlen(text) > CONFIG_PORT_MAX)
		return false;
	do
		at = past_number(at + 1);
	while (at && *at == '.');
	return at && *at == '\0';
}

static size_t
station_of(const struct config *config, int bay)
{
	size_t i = 0;

	while (i < config->station_count && (bay < config->stations[i].first_bay || bay >= config->stations[i].first_bay + STATION_BAYS))
		i++;
	return i;
}

static int
take_port(struct config *config, struct conf_file *file, cfg_t *section, struct config_bay *bay)
{
	bay->port = strdup(cfg_getstr(section, "port"));
	if (!bay->port)
		return MINT_MEMORY;
	if (bay->port[0] && !config_is_port(bay->port))
		return conf_file_refuse(file, section, "port", "bay %d: port: \"%s\" is no port path: give one as `lsusb -t` and /sys/bus/usb/devices have "
		    "it, \"1-2.3\"", bay->number, bay->port);
	for (const struct config_bay *other = config->bays; other < bay; other++)
		if (bay->port[0] && strcmp(other->port, bay->port) == 0)
			return conf_file_refuse(file, section, "port", "bay %d: port: \"%s\" is bay %d's already: one bay a port", bay->number, bay->port,
			    other->number);
	return 0;
}

static int
take_power(struct config *config, struct conf_file *file, cfg_t *section, struct config_bay *bay)
{
	const char *name = cfg_getstr(section, "power");
	bool covered = bay->station < config->station_count;
	size_t i = 0;

	bay->power = covered ? CONFIG_POWER_STATION : CONFIG_POWER_NONE;
	if (!name)
		return 0;
	while (i < sizeof powers / sizeof powers[0] && strcmp(powers[i], name) != 0)
		i++;
	if (i == sizeof powers / sizeof powers[0])
		return conf_file_refuse(file, section, "power", "bay %d: power: there is no \"%s\": give \"station\", \"hub\" or \"none\"", bay->number, name);
	bay->power = (enum config_power)i;
	if (bay->power == CONFIG_POWER_STATION && !covered)
		return conf_file_refuse(file, section, "power", "bay %d: power: no station has this bay: add `station NAME { first_bay = … }`, or give "
		    "\"hub\" or \"none\"", bay->number);
	if (bay->power == CONFIG_POWER_HUB && !bay->port[0])
		return conf_file_refuse(file, section, "power", "bay %d: power: which port of which hub is not said: add `port = \"…\"`", bay->number);
	return 0;
}

/* The sections stand in the order of config->bays. */
static int
take_bays(struct config *config, struct conf_file *file, cfg_t *cfg)
{
	int r = 0;

	for (unsigned i = 0; i < config->bay_count && r == 0; i++) {
		cfg_t *section = cfg_getnsec(cfg, "bay", i);
		struct config_bay *bay = &config->bays[i];

		bay->station = station_of(config, bay->number);
		r = take_port(config, file, section, bay);
		if (r == 0)
			r = take_power(config, file, section, bay);
	}
	return r;
}

int
config_take_hardware(struct config *config, struct conf_file *file, cfg_t *cfg)
{
	int r = take_stations(config, file, cfg);

	if (r == 0)
		r = take_lines(config, file, cfg);
	return r == 0 ? take_bays(config, file, cfg) : r;
}

void
config_free_hardware(struct config *config)
{
	for (size_t i = 0; config->stations && i <= config->station_count; i++) {
		free(config->stations[i].name);
		free(config->stations[i].serial);
	}
	free(config->stations);
	for (enum config_line line = 0; line < CONFIG_LINES; line++)
		free(config->lines[line]);
}

bool
config_bay_is_switched(const struct config_bay *bay)
{
	return bay->power != CONFIG_POWER_NONE;
}

/* The configuration of a bench: one file, read by every program, each of which takes what it needs.
 *
 * libconfuse's syntax (conf_file.h); an unknown key, a wrong type or a value out of range is refused with file, line and what to do.
 * Relative paths are relative to the configuration file's directory. docs/configuration.md describes every key; it and the
 * defaults come from the table in config.c.
 */
#ifndef MINT_BASE_CONFIG_H
#define MINT_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum { CONFIG_BAYS_MAX = 256, CONFIG_PCSCD_MAX = 16, CONFIG_PCSCD_NAME_MAX = 24 };
enum { CONFIG_STATIONS_MAX = 16, CONFIG_STATION_NAME_MAX = 24, CONFIG_SERIAL_MAX = 32, CONFIG_PORT_MAX = 31, CONFIG_LINE_NAME_MAX = 31 };

/* Bytes in the first line of the file `ca_passphrase`. */
enum { PASSPHRASE_MIN = 8, PASSPHRASE_MAX = 1024 };

/* An instance of pcscd: one serves so many readers and no more (16 in pcscd 1.9.9). */
struct config_pcscd {
	char  *name;          /* "" the one of the key `pcscd_socket` */
	char  *socket;        /* what its clients have as PCSCLITE_CSOCK_NAME; "" the system's */
	char **start;         /* program and arguments by which mintd starts it; NULL-terminated, never NULL itself, empty: others start it */
};

/* What switches the VBUS of a bay. */
enum config_power { CONFIG_POWER_NONE, CONFIG_POWER_STATION, CONFIG_POWER_HUB };

/* A controller board. Its sixteen bays are those numbered from `first_bay` on; they need not all be in the configuration. */
struct config_station {
	char *name;
	char *serial;         /* of its USB device; "" any, where there is but one station */
	int   first_bay;
};

/* GPIO lines of the host itself. */
enum config_line { CONFIG_LINE_LAMP_RED, CONFIG_LINE_LAMP_AMBER, CONFIG_LINE_LAMP_GREEN, CONFIG_LINE_PEDAL, CONFIG_LINE_STOP, CONFIG_LINES };

/* A place on the bench: a reader of pcscd, or a slot of a PKCS#11 module that PC/SC does not know of. Texts are never NULL. */
struct config_bay {
	int    number;        /* 1 … */
	size_t pcscd;         /* place of its instance in config->pcscds; 0 for a slot */
	char  *reader;        /* PC/SC reader name, whole, or with * and ? for any of several (text_fits); "" a slot */
	char  *module;        /* PKCS#11 module of this bay; "" the configuration's; must be given for a slot */
	char  *slot;          /* id of the slot, or its description, * and ? allowed; "" any */
	char  *model;         /* name of the only model profile that may be worked on here; "" any */
	char **environment;   /* "NAME=value", for the bay's workers and what they start; NULL-terminated, never NULL itself */
	char  *port;          /* USB port path of its reader, "1-2.3"; "" not said: mint-queue may know it from `bay learn` */
	enum config_power power;
	size_t station;       /* place of the station that covers it in config->stations; station_count where none does */
};

/* All strings are owned by the struct, never NULL ("" when a key is not set), paths absolute. */
struct config {
	char *bench;              /* name of this bench in rows: "bench-1" */
	char *programs;           /* directory with mint-queue, mint-worker … */
	char *database;           /* the record: an SQLite file, made when it is not there */
	char *calendar;           /* data/calendar/… */
	char *module;             /* PKCS#11 module */
	char *models;             /* directory of model profiles */
	char *pcscd_socket;       /* socket of the pcscd whose readers the bays have that name no section `pcscd`; "" the system's */
	char *work;               /* directory for a worker's short-lived files (opensc.conf) */
	char *station_key;        /* the bench's key, nothing of a station: file with 32 bytes, seals transport codes; worker only */
	char *office_certificate; /* PIN office, PEM: final codes are enveloped to it */
	char *api_socket;         /* Unix socket of mint-api */
	int   api_port;           /* TCP port on loopback; 0 any free, −1 none */
	char *api_port_file;      /* where the port chosen is written; "" for nowhere */
	char *ca_directory;       /* of the embedded CA: its certificates, encrypted keys, issue log, CRL */
	char *ca_passphrase;      /* file; "" when $CREDENTIALS_DIRECTORY/ca-passphrase is given */
	char *ca_profiles;        /* directory of certificate profiles */
	char *ca_profile;         /* the one used for new credentials: "institution" */
	char *label_layouts;      /* directory of label layouts: data/labels */
	char *printer;            /* "file:DIRECTORY" */
	char *hours;              /* when the bench is worked, on the calendar's working days: "08:30-18:00"; "" around the clock, every day. For the forecast alone */
	int   separate_users;     /* 1: mintd, started as root, runs each program as the system user of its name */
	int   single_operator;    /* 1: importer and overrider may be the same person (demonstration only) */
	int   attempts_max;       /* tokens tried for a credential before it is parked */
	int   step_timeout_ms;    /* where neither steps table nor model profile says */
	int   deaths_max;         /* a program that ends so many times within deaths_within_s stays down */
	int   deaths_within_s;    /* see deaths_max */
	int   down_s;             /* after so long a program that stayed down is tried again; 0 never */
	int   silent_max_s;       /* a program that does not answer mintd for so long is killed and started again; 0 the list of administrators.md */
	int   stock_keep;         /* so many tokens are keyed ahead when nothing else is to be done; 0 only what is ordered */
	int   stock_low;          /* a warning when fewer are in stock; 0 none */
	char *stock_key_type;     /* of those that stock_keep makes */
	int   power_off_ms;       /* so long a bay stays without power when it is power-cycled, counted from when VBUS is off */
	struct config_pcscd *pcscds; /* the first is that of pcscd_socket, then the sections in their order */
	size_t pcscd_count;
	struct config_bay *bays;
	size_t bay_count;
	struct config_station *stations; /* in the order of their sections */
	size_t station_count;
	char  *lines[CONFIG_LINES];      /* name of each GPIO line; "" there is none */
};

/* Reads `path`. On a fault one log line names file, line, key, what is wrong and what to do: MINT_CONFIG, or MINT_NOT_FOUND,
 * MINT_MEMORY. The caller frees with config_free. */
int config_read(const char *path, struct config **config);
void config_free(struct config **config);

/* The bay of that number, NULL when the configuration has none. */
const struct config_bay *config_bay(const struct config *config, int number);

/* Its VBUS can be switched, by a station or by its hub. */
bool config_bay_is_switched(const struct config_bay *bay);

/* Whether a reader of that instance is a bay's. */
bool config_pcscd_has_bays(const struct config *config, size_t pcscd);

/* What libpcsclite is to have as PCSCLITE_CSOCK_NAME for it; its own default for the system's. */
const char *config_pcscd_path(const struct config_pcscd *pcscd);

/* Sets PCSCLITE_CSOCK_NAME. Before this process's first call of PC/SC: libpcsclite looks once, then keeps to that instance. */
void config_pcscd_choose(const struct config_pcscd *pcscd);

/* A slot of a module, that PC/SC does not know of: nobody tells when a token comes, it has to be looked for. */
bool config_bay_is_slot(const struct config_bay *bay);

/* "1-2.3": a bus and the ports from its root hub on, as the kernel names USB devices. */
bool config_is_port(const char *text);

/* The key of that line in the section `lines`. */
const char *config_line_name(enum config_line line);

/* Its `reader` stands for any of several, or for one that comes and goes with its token. */
bool config_bay_is_pattern(const struct config_bay *bay);

#endif

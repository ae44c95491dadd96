/* The checks of `mintctl doctor`: each looks at one thing a bench needs. */
#ifndef MINTCTL_DOCTOR_H
#define MINTCTL_DOCTOR_H

#include "hostd/base/config.h"

enum { DOCTOR_DETAIL_BYTES = 2048 };

struct doctor {
	const struct config *config; /* never NULL in a check */
	const char *config_path;
	const char *socket_path;     /* of mint-api */
	char        detail[DOCTOR_DETAIL_BYTES]; /* what was found, for technicians */
};

/* Each returns 0, or a negative error, with `detail` saying what was found. */
int doctor_programs(struct doctor *doctor);
int doctor_pcscd(struct doctor *doctor);
int doctor_station_key(struct doctor *doctor);
int doctor_office(struct doctor *doctor);
int doctor_ca(struct doctor *doctor);
int doctor_profiles(struct doctor *doctor);
int doctor_passphrase(struct doctor *doctor);
int doctor_printer(struct doctor *doctor);
int doctor_layouts(struct doctor *doctor);
int doctor_fonts(struct doctor *doctor);
int doctor_calendar(struct doctor *doctor);

/* In doctor_bays.c. */
int doctor_module(struct doctor *doctor);
int doctor_models(struct doctor *doctor);
int doctor_cards(struct doctor *doctor);
int doctor_slots(struct doctor *doctor);

/* Whether any bay is a reader of pcscd. */
int doctor_has_readers(const struct doctor *doctor);

/* In doctor_record.c. */
int doctor_clock(struct doctor *doctor);
int doctor_database(struct doctor *doctor);
int doctor_disk(struct doctor *doctor);
int doctor_api(struct doctor *doctor);
int doctor_readers(struct doctor *doctor);

#endif

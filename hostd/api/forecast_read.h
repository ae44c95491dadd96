/* What a forecast is made from, read from the record in one moment. */
#ifndef MINT_API_FORECAST_READ_H
#define MINT_API_FORECAST_READ_H

#include "hostd/base/forecast.h"

struct api;

/* An application of which the bench still has to mint something. */
struct outlook_application {
	int64_t id;
	char   *reference;
	int64_t deadline_at;
	size_t  credentials; /* in work or waiting */
};

struct outlook {
	struct forecast forecast; /* due_us still missing */
	struct forecast_job *jobs;
	struct forecast_kind kinds[FORECAST_KINDS_MAX];
	struct outlook_application *applications; /* in the order in which their first credential comes */
	size_t application_room, job_room;
	size_t working, waiting;  /* credentials */
	size_t wanted[FORECAST_KINDS_MAX]; /* of each kind that wait */
};

/* 0; MINT_STORAGE or MINT_MEMORY. The caller frees with outlook_free, after a failure too. */
int outlook_read(struct api *api, int64_t now_us, struct outlook *outlook);
void outlook_free(struct outlook *outlook);

#endif

/* The checks of `mintctl doctor` that look at the record and at what runs. */
#include "doctor_sql.h"
#include "hostd/base/clock.h"
#include "schemas/errors.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/doctor.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum { API_TIMEOUT_MS = 3000 };

enum { STEP_US = 5000000 }; /* time synchronisation may step by less (hostd/queue/rowclock.c) */
static const int64_t release_us = 1735689600000000; /* 2025-01-01: no bench of this release worked before it */
static const uint64_t free_bytes_least = 1ull << 30;

static const char *const statements[] = {
#define ROW(name, caller, writes, sql) sql,
	DOCTOR_STATEMENTS(ROW)
#undef ROW
};

/* The first row's first column of a statement as text. 0, MINT_NOT_FOUND without a database, MINT_STORAGE with the reason. */
static int
ask(const char *path, enum doctor_statement which, char *text, size_t text_bytes)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int r = MINT_STORAGE;

	if (access(path, F_OK) != 0)
		return MINT_NOT_FOUND;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, statements[which], -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
		snprintf(text, text_bytes, "%s", (const char *)sqlite3_column_text(statement, 0));
		r = 0;
	} else {
		snprintf(text, text_bytes, "%s", db ? sqlite3_errmsg(db) : "no memory");
	}
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return r;
}

int
doctor_clock(struct doctor *doctor)
{
	struct timex ntp = { .modes = 0 };
	int64_t now = clock_utc_us();
	char newest[DOCTOR_DETAIL_BYTES];

	if (now < release_us) {
		snprintf(doctor->detail, sizeof doctor->detail, "%s", say("it stands before 2025", "早于 2025 年"));
		return MINT_CLOCK;
	}
	if (ask(doctor->config->database, DOCTOR_newest, newest, sizeof newest) == 0 && strtoll(newest, NULL, 10) > now + STEP_US) {
		snprintf(doctor->detail, sizeof doctor->detail, say("it stands %lld s before what it showed already", "比其曾显示的时间早 %lld 秒"),
		    (strtoll(newest, NULL, 10) - (long long)now) / 1000000);
		return MINT_CLOCK;
	}
	snprintf(doctor->detail, sizeof doctor->detail, "%s", adjtimex(&ntp) >= 0 && !(ntp.status & STA_UNSYNC)
	    ? say("set from the network", "已联网校准") : say("plausible; not set from the network", "时间合理；未联网校准"));
	return 0;
}

int
doctor_database(struct doctor *doctor)
{
	char answer[256];
	int r = ask(doctor->config->database, DOCTOR_quick_check, answer, sizeof answer);

	if (r == MINT_NOT_FOUND) {
		snprintf(doctor->detail, sizeof doctor->detail, "%.400s: %s", doctor->config->database,
		    say("not there yet; mint-queue makes it", "尚不存在，由 mint-queue 创建"));
		return 0;
	}
	snprintf(doctor->detail, sizeof doctor->detail, "%.200s: %s", doctor->config->database, answer);
	return r == 0 && strcmp(answer, "ok") == 0 ? 0 : MINT_STORAGE;
}

int
doctor_disk(struct doctor *doctor)
{
	char *copy = strdup(doctor->config->database);
	const char *directory = copy ? dirname(copy) : "/";
	struct statvfs disk;
	uint64_t free_bytes;
	int r = 0;

	if (statvfs(directory, &disk) != 0) {
		snprintf(doctor->detail, sizeof doctor->detail, "%.400s: %s", directory, system_text(errno));
		r = MINT_STORAGE;
	} else {
		free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
		snprintf(doctor->detail, sizeof doctor->detail, "%.400s: %llu MB", directory, (unsigned long long)(free_bytes >> 20));
		r = free_bytes < free_bytes_least ? MINT_STORAGE : 0;
	}
	free(copy);
	return r;
}

/* What mint-bench tells through the API; while nobody can say, it is not a fault of the readers. */
int
doctor_readers(struct doctor *doctor)
{
	struct client *client = client_new(doctor->socket_path);
	json_t *answer = NULL, *bay;
	int missing = 0, r = client ? client_get(client, "/v1/bays", API_TIMEOUT_MS, &answer) : MINT_MEMORY;
	size_t i, used = 0;

	json_array_foreach(r == 0 ? json_object_get(answer, "bays") : NULL, i, bay) {
		const char *state = json_string_value(json_object_get(bay, "state"));

		if (!state || strcmp(state, "no_reader") != 0 || used + 200 > sizeof doctor->detail)
			continue;
		used += (size_t)snprintf(doctor->detail + used, sizeof doctor->detail - used, "%s%lld \"%.128s\"", missing++ ? ", " : "",
		    (long long)json_integer_value(json_object_get(bay, "bay")), json_string_value(json_object_get(bay, "reader")));
	}
	if (r != 0)
		snprintf(doctor->detail, sizeof doctor->detail, "%s", say("not known: mint-api does not answer", "未知：mint-api 无应答"));
	else if (!missing)
		snprintf(doctor->detail, sizeof doctor->detail, "%zu", json_array_size(json_object_get(answer, "bays")));
	json_decref(answer);
	client_free(&client);
	return missing ? MINT_READER : 0;
}

int
doctor_api(struct doctor *doctor)
{
	struct client *client = client_new(doctor->socket_path);
	json_t *answer = NULL;
	int r = client ? client_get(client, "/v1/status", API_TIMEOUT_MS, &answer) : MINT_MEMORY;

	snprintf(doctor->detail, sizeof doctor->detail, "%.400s%s%s", doctor->socket_path, r == 0 ? say(", release ", "，版本 ") : "",
	    r == 0 ? json_string_value(json_object_get(answer, "release")) : "");
	json_decref(answer);
	client_free(&client);
	return r;
}

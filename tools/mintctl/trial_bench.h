/* A bench for one trial: a directory that nobody else reads, with a key and a PIN office of its own, and configurations that a
 * mint-worker takes. It is wiped at the end, unless a token still has codes that only it knows. */
#ifndef MINTCTL_TRIAL_BENCH_H
#define MINTCTL_TRIAL_BENCH_H

#include <stdio.h>
#include "schemas/messages.h"
#include "tools/mintctl/trial_place.h"

enum { TRIAL_BLOB_MAX = 8192, TRIAL_BAY = 1 };

struct trial_bench {
	char directory[PATH_MAX - 64];
	bool kept; /* it was there before */
};

/* Makes it; with `again` takes the one that an earlier trial left. MINT_STORAGE, MINT_CRYPTO, MINT_NOT_FOUND. */
int bench_make(struct trial_bench *bench, const char *again);

/* Writes what makes the worker's world for this place. `profile` is copied there and is then the only one; NULL: all of the
 * configuration's. `only` (may be "") is the model that may be worked on. */
int bench_configure(const struct trial_bench *bench, const struct config *config, const struct trial_place *place, const char *profile,
    const char *only);

/* Writes beside it a configuration whose profile, made of this file, has no commands that initialise: a token that it erases stays
 * blank. */
int bench_configure_erasing(const struct trial_bench *bench, const struct config *config, const struct trial_place *place,
    const char *profile);

/* "DIR/mint.conf" and the like. */
void bench_path(const struct trial_bench *bench, const char *name, char *path);

/* What must outlive a power cut; synced. MINT_STORAGE. */
int bench_keep(const struct trial_bench *bench, const char *name, const struct blob *blob);

/* Into `bytes` of TRIAL_BLOB_MAX; length 0 when it is not there. */
struct blob bench_kept(const struct trial_bench *bench, const char *name, uint8_t *bytes);

void bench_forget(const struct trial_bench *bench, const char *name);

/* Removes all of it. */
void bench_wipe(const struct trial_bench *bench);

/* The profile without the sections `initialise …`, written to `out`. The text has passed conf_file_load. */
void bench_strip(const char *text, FILE *out);

#endif

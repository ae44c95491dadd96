/* Where a trial takes place: a bay of the configuration, any reader of its pcscd instances, or a slot of any PKCS#11 module. */
#ifndef MINTCTL_TRIAL_PLACE_H
#define MINTCTL_TRIAL_PLACE_H

#include "hostd/base/config.h"
#include "tools/mintctl/reader.h"

#include <limits.h>

enum { PLACE_WHY_BYTES = 512 };

struct trial_place {
	const struct config_bay *bay;  /* whose it is; NULL: no bay's */
	size_t                   pcscd;  /* whose reader it is */
	struct reader            reader; /* name "": a slot */
	char                     module[PATH_MAX], slot[128];
	int                      lock_fd; /* holds the bench off while the trial lasts; −1: there is none to hold off */
};

/* Finds it by what a person wrote: the number of a bay, the name or pattern of a reader, MODULE[#SLOT] with a / in it. It has a token
 * that a trial may look at, and no running bench has it. `why` says more on failure: MINT_ARGUMENT, MINT_NOT_FOUND, MINT_READER,
 * MINT_TOKEN_GONE, MINT_BUSY. End with place_leave. */
int place_find(struct trial_place *place, const struct config *config, const char *words, char *why);
void place_leave(struct trial_place *place);

/* Whether mintd or what it left behind has this configuration's database. *fd (may be NULL) becomes a lock that keeps it away where
 * it has not, −1 where no bench was ever there. */
bool place_bench_runs(const struct config *config, int *fd);

#endif

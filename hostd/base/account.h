/* A system user of its own for each program (`separate_users` in the configuration). */
#ifndef MINT_BASE_ACCOUNT_H
#define MINT_BASE_ACCOUNT_H

/* Whether account_become(name) could work: 0; MINT_CONFIG after a log line when this is not root or there is no such user. */
int account_check(const char *name);

/* Makes this process one of that user, with the user's groups and HOME, for good: user ids real, effective and saved
 * (credentials(7)). The signal at the parent's death must be asked for anew (prctl(2), PR_SET_PDEATHSIG).
 * 0; MINT_CONFIG, MINT_SYSTEM after a log line: the process must end. */
int account_become(const char *name);

#endif

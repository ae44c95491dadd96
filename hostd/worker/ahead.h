/* What every worker of a bench needs and none of them need do itself: done once, in the process that they are copies of. */
#ifndef MINT_WORKER_AHEAD_H
#define MINT_WORKER_AHEAD_H

/* Loads the module ("" none), the locale and OpenSSL's algorithms. Nothing of it can fail: what is not there ahead is done, or told, by whoever
 * needs it. OpenSSL's generators notice that they were copied (they ask for the process id) and draw a new seed. */
void ahead_load(const char *module);

/* Whether this process has one thread: only then may it be copied. */
int ahead_is_alone(void);

#endif

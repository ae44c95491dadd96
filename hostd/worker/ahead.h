/* What every worker of a bench needs and none of them need do itself: done once, in the process that they are copies of. */
#ifndef MINT_WORKER_AHEAD_H
#define MINT_WORKER_AHEAD_H

/* Loads the module, the locale and OpenSSL's algorithms; "" no module. Nothing of it can fail: what is not there ahead is done, or told, by
 * whoever needs it. OpenSSL's generators notice that they were copied (they ask for the process id) and draw a new seed. */
void ahead_load(const char *module);

/* A process is copied with one thread only: locks that others hold would be held for ever. If the module started one when it was loaded, as
 * OpenSC's does for its notifications, this program starts again with these arguments and has but the libraries that the module needs in
 * memory; each copy loads the module itself. */
void ahead_stand_alone(const char *module, char **arguments);

/* Loads the module, where that was not done ahead. */
void ahead_load_module(const char *module);

#endif

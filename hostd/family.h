/* The processes below mintd: mint-queue, the programs that hang on it (leaves), and the workers it asks for.
 *
 * mint-queue is started first; the leaves follow when it says that it is ready, and are started anew with it. What ends is
 * started again after a pause (fate.h); what keeps ending stays down while the others go on. What is silent for too long
 * (family.def) is killed and counts as ended. mint-queue is never started while a worker of its predecessor lives.
 */
#ifndef MINT_FAMILY_H
#define MINT_FAMILY_H

struct config;
struct event_base;
struct family;
struct starter;

/* `config`, `config_path` and `starter` (NULL: no pcscd is ours to start) are kept, not copied, and outlive the family. 0, MINT_MEMORY, or
 * MINT_CONFIG after a log line when a program's user is missing (separate_users). */
int family_new(struct family **family, struct event_base *base, const struct config *config, const char *config_path,
    const struct starter *starter);

/* Starts the instances of pcscd and mint-queue; the rest follows by itself. */
void family_start(struct family *family);

/* On SIGCHLD: takes note of who ended, tells mint-queue, starts again what is to run. */
void family_reap(struct family *family);

/* A person has mended something: starts at once what is down or in its pause, as if it had never ended. */
void family_try_again(struct family *family);

/* Sends the signal to every program, SIGKILL to the workers, and starts nothing any more; the instances of pcscd are told when all others
 * are gone. May be called again. When nobody is left the loop is broken off. */
void family_stop(struct family *family, int signal_number);

/* The exit status to end with: that of a mint-queue that only a person can help, or another where mintd must be started anew: stop the
 * family; 0: none. */
int family_hopeless(const struct family *family);

/* Whether no process of the family is left. */
int family_is_gone(const struct family *family);

/* Accepts NULL and clears the caller's pointer. Kills nobody. */
void family_free(struct family **family);

#endif

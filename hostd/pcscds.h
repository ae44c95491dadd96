/* The instances of pcscd that mintd starts and watches: those with a `start` in the configuration.
 *
 * An instance is up when its socket answers; one that ends is started again by the rules of fate.h, one whose socket does not answer
 * in time is killed. They are the first to start and the last to stop: a token that vanishes while the programs run is one that
 * somebody took out.
 */
#ifndef MINT_PCSCDS_H
#define MINT_PCSCDS_H

#include "hostd/standing.h"

#include <stddef.h>
#include <sys/types.h>

struct config;
struct event_base;
struct fate_limits;
struct pcscds;
struct starter;

/* All are kept, not copied; `starter` may be NULL: there are none. `on_news` is called after one has started, come up or ended. NULL
 * when out of memory. */
struct pcscds *pcscds_new(struct event_base *base, const struct config *config, const struct starter *starter,
    const struct fate_limits *limits, void (*on_news)(void *argument), void *argument);

/* Accepts NULL. Stops nobody. */
void pcscds_free(struct pcscds **pcscds);

/* Starts those that do not run, without a pause: at first, and when a person has mended something. */
void pcscds_start(struct pcscds *pcscds);

/* Sends the signal and starts none any more. May be called again. */
void pcscds_stop(struct pcscds *pcscds, int signal_number);
int pcscds_are_gone(const struct pcscds *pcscds);

/* Once in PULSE_MS: does a new one's socket answer? 1 when that is news. */
int pcscds_pulse(struct pcscds *pcscds);

/* 1 when `pid`, which was reaped, was what starts them: none of them runs any more, and mintd must be started anew to have them. */
int pcscds_lost(struct pcscds *pcscds, pid_t pid);

/* Whether `pid` is what starts them. */
int pcscds_is_starter(const struct pcscds *pcscds, pid_t pid);

/* Fills a row for each; returns their number, CONFIG_PCSCD_MAX at most. */
size_t pcscds_standing(struct pcscds *pcscds, struct standing *rows);

#endif

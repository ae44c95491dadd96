/* The pulse: mintd asks every program that runs on a loop, once a second, whether its loop still turns.
 *
 * A socket of its own, not the channel to mint-queue: a full channel or a hung mint-queue must not make its peers look hung. The
 * descriptor's number stands in the environment variable MINT_PULSE; a program that was not started by mintd has none.
 */
#ifndef MINT_BASE_PULSE_H
#define MINT_BASE_PULSE_H

struct event_base;
struct pulse;

enum { PULSE_FD = 5 };

/* In mintd. A connected pair, close-on-exec and non-blocking. 0 or MINT_SYSTEM. */
int pulse_pair(int fds[2]);

/* In the child between fork and exec: `fd` becomes PULSE_FD and the environment says so; −1: the program has no pulse. 0 or MINT_SYSTEM. */
int pulse_pass(int fd);

/* In mintd. Sends a question; it waits in the socket when the program does not listen. */
void pulse_ask(int fd);

/* In mintd. How many questions were answered since the last call. */
int pulse_heard(int fd);

/* In the program: every question is answered from the loop. NULL in *pulse without MINT_PULSE. 0 or MINT_MEMORY. */
int pulse_answer(struct event_base *base, struct pulse **pulse);
void pulse_free(struct pulse **pulse);

#endif

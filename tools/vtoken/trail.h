/* The APDU log: what an outsider needs to see that a token really did what is claimed of it.
 *
 * One line a command with its answer, fields separated by one space, in this order:
 *
 *	2026-11-23T08:15:30.123456Z  when the command arrived, UTC
 *	slot=0                       as on the control socket
 *	serial=00…01                 the token's, 20 hexadecimal digits
 *	n=17                         the n-th command since the token was put in
 *	us=812                       from arrival to answer
 *	drawn_us=5200000             only with a key generation: the latency drawn from the law
 *	key=rsa2048                  likewise
 *	source=pool                  likewise: pool, or made (generated then)
 *	> 00B0000080                 the command
 *	< 3082…9000                  the answer; "-" when the connection was cut before it left
 *
 * or an event: time, slot, serial, event=insert|remove|power-on|power-off|reset|lost, or "event=fault id=N" and the
 * fault's words (fault.h), which happened to the command of the next line.
 *
 * PINs, PUKs and parts of private keys never stand in it: every byte that may hold one (the bodies of VERIFY, CHANGE
 * REFERENCE DATA, RESET RETRY COUNTER, and of PUT DATA other than for initialising) is written as "**".
 */
#ifndef MINT_VTOKEN_TRAIL_H
#define MINT_VTOKEN_TRAIL_H

#include <stddef.h>
#include <stdint.h>

struct trail;

struct trail_generation {
	uint64_t    drawn_us;
	const char *key;    /* "rsa2048" */
	const char *source; /* "pool", "made" */
};

/* One line for a command. `at_us` is UTC in microseconds; `generation` and `answer` may be NULL. */
struct trail_entry {
	uint64_t       at_us, took_us;
	unsigned       slot;
	const char    *serial;
	uint64_t       n;
	const uint8_t *command, *answer;
	size_t         command_len, answer_len;
	const struct trail_generation *generation;
};

/* Appends to the file, made with mode 0600; a NULL path gives a trail that writes nothing. MINT_STORAGE. */
int  trail_open(struct trail **trail, const char *path);
void trail_close(struct trail **trail);

/* Each line is one write, so that several writers never mix. A line that cannot be written is lost, with a warning. */
void trail_command(struct trail *trail, const struct trail_entry *entry);
void trail_event(struct trail *trail, unsigned slot, const char *serial, const char *event);

/* Writes `command` in hexadecimal, masked, with its NUL: `out` has at least 2 * len + 1 bytes. */
void trail_mask(const uint8_t *command, size_t len, char *out);

/* UTC now, in microseconds. */
uint64_t trail_now_us(void);

#endif

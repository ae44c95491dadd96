/* What is to go wrong in a slot, and when. A test arms faults over the control socket; the slot asks at three moments of
 * every command whether one is due.
 *
 *	before|after  apdu N | ins XX N | change N  [every]  EFFECT
 *
 * The trigger counts commands from the moment the fault is armed: the N-th of all, the N-th with that INS, or the N-th
 * that changed what the token keeps over a power cut. With `every` the fault happens again at 2N, 3N …
 *
 * before: the card never got the command. Before a change: the card got it, and what it did is undone as if the power
 * had failed before it was stored. after: the command was carried out and stored, only its answer suffers.
 *
 *	cut [MS]         the token is pulled out; it stays out, or is back after MS
 *	kill PID         a power cut: process PID ends by SIGKILL, and the token is out as with cut
 *	sw XXXX          that status word, nothing else, in place of the answer
 *	silence [MS]     nothing is heard for MS, then all goes on: before, the command is carried out only then;
 *	                 without MS until the token is reset or pulled
 *	garbage N        N random bytes in place of the answer
 *	length +N|-N     N bytes FF put in before the status word; or N bytes taken away from there, and once there is no
 *	                 data any more from the status word, of which one byte always remains
 *	slow MS          from now on every command takes at least so long, until `clear`
 */
#ifndef MINT_VTOKEN_FAULT_H
#define MINT_VTOKEN_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTS_MAX 64 /* of one slot */
#define FAULT_TEXT 80
#define FAULT_FOREVER (-1)

enum fault_moment { FAULT_BEFORE, FAULT_UNSTORED, FAULT_AFTER };
enum fault_trigger { FAULT_APDU, FAULT_INS, FAULT_CHANGE };
enum fault_effect { FAULT_CUT, FAULT_SW, FAULT_SILENCE, FAULT_GARBAGE, FAULT_LENGTH, FAULT_SLOW, FAULT_KILL };

struct fault {
	enum fault_moment  moment;
	enum fault_trigger trigger;
	uint8_t            ins; /* of FAULT_INS */
	uint32_t           n;
	bool               every;
	enum fault_effect  effect;
	int32_t            value; /* milliseconds, FAULT_FOREVER, the status word, bytes, or a process id */
	/* kept by the set below */
	unsigned           id;    /* from 1, in its slot */
	uint32_t           seen, fired;
	bool               due;
};

/* Reads the words of a fault. NULL, or what is wrong with them. */
const char *fault_parse(struct fault *fault, char *const *words, int count);

/* Writes it as fault_parse reads it. */
void fault_text(const struct fault *fault, char text[FAULT_TEXT]);

/* The faults of one slot. */
struct faults;

struct faults *faults_new(void); /* NULL when out of memory */
void           faults_free(struct faults **faults);

/* Arms a copy and gives its number. MINT_BUSY when there are FAULTS_MAX already. */
int  faults_arm(struct faults *faults, const struct fault *fault, unsigned *id);
void faults_clear(struct faults *faults);

/* In the order in which they were armed; NULL after the last. */
const struct fault *faults_at(const struct faults *faults, size_t n);
/* True while it may still happen. */
bool     fault_armed(const struct fault *fault);
uint64_t faults_fired(const struct faults *faults); /* all together, cleared ones included */

/* A command has come; a command has changed the lasting state. */
void faults_count_command(struct faults *faults, uint8_t ins);
void faults_count_change(struct faults *faults);

/* A fault that happens now, each once; NULL when there is none (any more). */
const struct fault *faults_due(struct faults *faults, enum fault_moment moment);

#endif

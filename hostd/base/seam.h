/* Seams: the places where a crash test ends a program. They are always compiled in, so that what is tested is what is shipped; without
 * MINT_CRASH in its environment a program passes them at the cost of one comparison.
 *
 *   MINT_CRASH="FILE N self"   the process that passes the N-th seam of the whole bench ends there, as by SIGKILL
 *   MINT_CRASH="FILE N all"    mintd with it, and so every program below it: what a power cut leaves of the host
 *
 * FILE counts for all programs together and outlives them: a bench that is started again goes on counting, so N comes once. Afterwards
 * it holds "<seams passed> <program> <kind>" of the N-th one, in struct seams' form. `N` 0 only counts.
 */
#ifndef MINT_BASE_SEAM_H
#define MINT_BASE_SEAM_H

#include <stdint.h>

/* Each seam comes right behind what it names. */
enum seam { SEAM_COMMITTED, SEAM_WRITTEN, SEAM_RENAMED, SEAM_SENT, SEAM_RECEIVED, SEAM_KINDS };

/* What FILE holds, in the machine's byte order. */
struct seams {
	uint64_t passed;
	char     where[56]; /* "mint-queue committed", "" until the N-th was passed */
	uint64_t of_kind[SEAM_KINDS];
};

void seam(enum seam kind);

#endif

/* The programs of the family that run on loops, all of them: the rows of family.def. */
#ifndef MINT_MEMBERS_H
#define MINT_MEMBERS_H

#include "hostd/member.h"

#include <event2/event.h>

struct config;

enum {
#define MEMBER(program, file, starting_s, silent_s, why) MEMBER_##program,
#include "hostd/family.def"
#undef MEMBER
	MEMBER_COUNT
};

/* Every member of `family`, none of them running; `on_retry` gets the member when its pause is over. mint-queue is the first. What
 * was made is freed with members_free even after MINT_MEMORY. */
int members_make(struct member members[MEMBER_COUNT], struct family *family, const struct config *config, struct event_base *base,
    event_callback_fn on_retry);
void members_free(struct member members[MEMBER_COUNT]);

/* With separate_users: whether there is a user for each program. 0, or MINT_CONFIG after a log line. */
int members_check_users(const struct config *config);

#endif

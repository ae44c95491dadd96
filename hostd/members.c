#include "hostd/members.h"
#include "hostd/base/account.h"
#include "hostd/base/config.h"
#include "schemas/errors.h"

#include <unistd.h>

static const struct row {
	enum program program;
	const char  *file;
	int          starting_s, silent_s;
} rows[] = {
#define MEMBER(program, file, starting_s, silent_s, why) { PROGRAM_##program, file, starting_s, silent_s },
#include "hostd/family.def"
#undef MEMBER
};

int
members_make(struct member members[MEMBER_COUNT], struct family *family, const struct config *config, struct event_base *base,
    event_callback_fn on_retry)
{
	int silent_s = config->silent_max_s, complete = 1;

	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		struct member *member = &members[i];

		*member = (struct member){
			.family = family, .program = rows[i].program, .file = rows[i].file,
			.starting_max = (silent_s ? silent_s : rows[i].starting_s) * 1000 / PULSE_MS,
			.silent_max = (silent_s ? silent_s : rows[i].silent_s) * 1000 / PULSE_MS,
			.retry = evtimer_new(base, on_retry, member), .pulse_fd = -1,
		};
		complete = complete && member->retry;
	}
	return complete ? 0 : MINT_MEMORY;
}

void
members_free(struct member members[MEMBER_COUNT])
{
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		if (members[i].retry)
			event_free(members[i].retry);
		if (members[i].pulse_fd >= 0)
			close(members[i].pulse_fd);
	}
}

/* Found at the start, not by every program in turn. */
int
members_check_users(const struct config *config)
{
	int r = 0;

	if (!config->separate_users)
		return 0;
	for (size_t i = 1; i < MEMBER_COUNT && r == 0; i++)
		r = account_check(rows[i].file);
	if (r == 0)
		r = account_check(rows[0].file);
	return r == 0 ? account_check("mint-worker") : r;
}

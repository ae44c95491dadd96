#include "hostd/base/account.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
account_check(const char *name)
{
	if (geteuid() != 0) {
		log_error("separate_users: mintd is not root: start it as root, or set separate_users = 0");
		return MINT_CONFIG;
	}
	if (getpwnam(name))
		return 0;
	log_error("separate_users: %s: no such user: make the users of docs/administrators.md", name);
	return MINT_CONFIG;
}

int
account_become(const char *name)
{
	const struct passwd *user;
	int r = account_check(name);

	if (r != 0)
		return r;
	user = getpwnam(name);
	/* Groups first: afterwards the right to change them is gone. */
	if (user && user->pw_uid != 0 && setenv("HOME", user->pw_dir, 1) == 0 && initgroups(name, user->pw_gid) == 0 &&
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 && setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0)
		return 0;
	log_error("separate_users: %s: %s: is it a user of its own, not root?", name, strerror(errno));
	return MINT_SYSTEM;
}

/* What a program gives up before the first byte from outside: seccomp(2) filters, by libseccomp, and what goes with them.
 *
 * The filter is a list of what is denied, not of what is allowed: a new C library or PKCS#11 module that makes other calls
 * must not stop a bench in the middle of a token. What each program may is a row of sandbox.def.
 */
#ifndef MINT_BASE_SANDBOX_H
#define MINT_BASE_SANDBOX_H

#include "schemas/messages.h"

/* Call when the configuration was read: before a key is read, a thread started, or a byte taken from a channel. From then on
 * no core file is written, nothing started from here gains rights (PR_SET_NO_NEW_PRIVS), other processes of the same user
 * may not read a program that holds secrets, and the row's `starting` filter holds. There is no way back, and children inherit it.
 * 0, or MINT_SYSTEM after a log line: the program must not go on. */
int sandbox_enter(enum program program);

/* Call when everything that must be opened is open: the row's `serving` filter. Errors as above. */
int sandbox_serve(enum program program);

#endif

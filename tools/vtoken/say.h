/* The other end of the control socket: says one command and prints the answer. */
#ifndef MINT_VTOKEN_SAY_H
#define MINT_VTOKEN_SAY_H

/* Sends `command` to the vtoken that listens at `path`, waits up to ten seconds and prints its line. 0 when the answer
 * says ok, MINT_REFUSED when it does not, MINT_CLOSED when nobody listens, MINT_TIMEOUT, MINT_ARGUMENT. */
int say_command(const char *path, const char *command);

#endif

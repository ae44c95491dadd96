/* The other end of the control socket: says commands and prints the answers. */
#ifndef MINT_VTOKEN_SAY_H
#define MINT_VTOKEN_SAY_H

/* Sends `command` to the vtoken that listens at `path`, waits for its answer (up to 70 s: `wait` and `expect` may take a
 * minute) and prints it. 0 when the answer says ok, MINT_REFUSED when it does not, MINT_CLOSED when nobody listens,
 * MINT_TIMEOUT, MINT_ARGUMENT. */
int say_command(const char *path, const char *command);

/* Likewise every line of a file ("-": standard input) over one connection, one after the other; empty lines and what is
 * behind a # at their beginning are passed over. Ends at the first that is not answered by ok, and says which. */
int say_script(const char *path, const char *file);

#endif

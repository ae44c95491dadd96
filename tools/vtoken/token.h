/* The tokens of a state directory: a drawer of state files, from which one at a time is put into a slot.
 *
 *	DIR/<name>.token     a token's state (store.h)
 *	DIR/next             the serial number that the next blank token gets, in hexadecimal; it only grows
 *	DIR/slots            which token is in which slot, a line each: slot number, space, name
 *	DIR/lock             held by the program that uses the directory
 *
 * A token's name is its serial number; of tokens that have the same one (real lots hold such pairs) the second is
 * <serial>.2, the third <serial>.3 …
 */
#ifndef MINT_VTOKEN_TOKEN_H
#define MINT_VTOKEN_TOKEN_H

#include "tools/vtoken/card.h"

#include <stddef.h>

#define TOKEN_NAME_TEXT (CARD_SERIAL_TEXT + 12) /* a dot and a number */

struct drawer; /* an open state directory */
struct token;  /* a card together with its open state file */

/* Opens (and makes) a state directory. MINT_BUSY when another program has it, MINT_STORAGE, MINT_MEMORY. */
int  drawer_open(struct drawer **drawer, const char *path);
void drawer_close(struct drawer **drawer);

/* A new blank token with a serial number that was never used here. MINT_STORAGE, MINT_MEMORY. */
int drawer_make(struct drawer *drawer, struct token **token);

/* A new blank token with a serial number of the caller's choice, even if another token has it already.
 * MINT_ARGUMENT (not hexadecimal, or thousands have it), MINT_STORAGE, MINT_MEMORY. */
int drawer_make_as(struct drawer *drawer, const char *serial, struct token **token);

/* A token that is there, by its name; leading zeroes of the serial number may be left out.
 * MINT_NOT_FOUND, MINT_ARGUMENT (no such name can be), MINT_SYNTAX (state file damaged), MINT_STORAGE. */
int drawer_take(struct drawer *drawer, const char *name, struct token **token);

/* Memory of all cards from now on (card_limit). */
void drawer_limit(struct drawer *drawer, size_t memory);

/* Remembers the names of what is in the slots ("": nothing) over a restart, and reads them back; slots that are not
 * remembered become "". */
int drawer_remember(struct drawer *drawer, char (*names)[TOKEN_NAME_TEXT], size_t count);
int drawer_recall(struct drawer *drawer, char (*names)[TOKEN_NAME_TEXT], size_t count);

void         token_free(struct token **token);
struct card *token_card(struct token *token);
const char  *token_name(const struct token *token);

/* Saving in two steps: take the state of now, then (on any thread) bring it to the disk. MINT_STORAGE, MINT_MEMORY. */
int token_freeze(struct token *token);
int token_save(struct token *token);

/* After a save that failed: back to the state that is on the disk, so that what was not stored was not done. */
int token_reload(struct token *token);

#endif

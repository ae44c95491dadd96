/* A read-write session with a token, its logins and PINs (PKCS#11 2.40, section 11.6).
 *
 * PINs are byte strings with a length; the library keeps a copy of the user PIN only while logged in, for keys that
 * want a login of their own at each use (CKA_ALWAYS_AUTHENTICATE), and wipes it.
 *
 * session_free always logs out: a process that leaves without it lets the next one sign without a PIN.
 */
#ifndef MINT_PKCS11_SESSION_H
#define MINT_PKCS11_SESSION_H

#include <stddef.h>
#include <stdint.h>

struct session;
struct token;

enum session_user { SESSION_USER, SESSION_SO };

/* The caller frees *out with session_free, before the token. MINT_TOKEN_GONE, MINT_TOKEN_ERROR, MINT_MODULE. */
int session_open(struct session **out, struct token *token, int64_t deadline_ms);

/* Logs out, closes, wipes. Accepts NULL. */
void session_free(struct session **session);

/* MINT_PIN_WRONG, MINT_PIN_LOCKED; each wrong PIN uses up a try of the token. Where the module says that somebody is
 * logged in already, that login is ended first: 0 always means that this PIN was tried and taken. */
int session_login(struct session *session, enum session_user user, const char *pin, size_t pin_len,
    int64_t deadline_ms);

/* 0 also when nobody was logged in. */
int session_logout(struct session *session, int64_t deadline_ms);

/* Changes the PIN of whoever is logged in (of the user when nobody is). A wrong old PIN uses up a try. */
int session_change_pin(struct session *session, const char *old_pin, size_t old_len, const char *new_pin,
    size_t new_len, int64_t deadline_ms);

/* Sets the user PIN; the SO must be logged in. */
int session_set_user_pin(struct session *session, const char *pin, size_t pin_len, int64_t deadline_ms);

/* Borrowed. */
struct token *session_token(const struct session *session);

#endif

/* A PKCS#11 module: loaded, initialised, finalised (PKCS#11 2.40, section 11.4).
 *
 * Deadlines. Every operation of this library takes `deadline_ms`, an absolute time on the module's clock in
 * milliseconds (CLOCK_MONOTONIC unless the caller gave another). It is looked at before each call into the module:
 * an operation that would start late returns MINT_TIMEOUT and touches nothing more. A call that hangs inside the module
 * cannot be interrupted from here (OpenSC holds one lock for the whole process): cancel it by killing the process, and
 * let a fresh one probe what happened.
 *
 * One module at a time in a process, used by one thread.
 */
#ifndef MINT_PKCS11_MODULE_H
#define MINT_PKCS11_MODULE_H

#include <stdint.h>

#define MODULE_NO_DEADLINE INT64_MAX

struct module;

/* What went wrong in the last failed operation; valid until the next one. Strings are static. */
struct module_failure {
	const char   *function; /* "C_Login"; "" when none has failed yet */
	const char   *name;     /* "CKR_PIN_INCORRECT", or "" when the module was not to blame */
	const char   *text;     /* why, for the technician */
	unsigned long rv;       /* the CKR value itself, vendor-defined ones too */
};

/* What the module says about itself (C_GetInfo), blanks trimmed. */
struct module_facts {
	char manufacturer[33];
	char description[33];
	char version[16]; /* "0.23" */
};

/* Loads the shared library `path` and calls C_Initialize. `now_us` tells the time in microseconds
 * and may be NULL.
 * The caller frees *out with module_free. MINT_MODULE when it cannot be loaded or initialised. */
int module_open(struct module **out, const char *path, int64_t (*now_us)(void));

/* The same for a function list that is in the process already (a CK_FUNCTION_LIST *, borrowed): the seam at which
 * tests put a module of their own. */
int module_adopt(struct module **out, void *function_list, int64_t (*now_us)(void));

/* C_Finalize, unload. Free tokens and sessions of the module first. Accepts NULL. */
void module_free(struct module **module);

/* MINT_MODULE when the module cannot say. */
int module_facts(struct module *module, struct module_facts *out);

/* Never NULL; borrowed from the module. */
const struct module_failure *module_failure(const struct module *module);

/* Now, on the module's clock. */
int64_t module_now_ms(const struct module *module);
int64_t module_now_us(const struct module *module);

#endif

/* Errors: one list (errors.def), negated when returned. 0 is success everywhere. */
#ifndef MINT_SCHEMAS_ERRORS_H
#define MINT_SCHEMAS_ERRORS_H

enum mint_error {
	MINT_OK = 0,
#define ERROR(name, number, ...) MINT_##name = -(number),
#include "schemas/errors.def"
#undef ERROR
};

enum mint_language { MINT_EN, MINT_ZH };

/* One row of the list. All strings are static UTF-8. */
struct error_info {
	enum mint_error code;       /* negative */
	int             exit_status;
	const char     *name;       /* "TOKEN_GONE": what rows and JSON keep */
	const char     *what[2];    /* by enum mint_language */
	const char     *next[2];    /* what a person does next */
};

/* The row of a code (either sign); a row "UNKNOWN" for a code that is not in the list, never NULL. */
const struct error_info *error_info(int code);

/* The row by its name, NULL when there is none. */
const struct error_info *error_by_name(const char *name);

#endif

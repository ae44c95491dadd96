/* Return values of PKCS#11 modules, each mapped once (rv.def) to an error of ours and a text. */
#ifndef MINT_PKCS11_RV_H
#define MINT_PKCS11_RV_H

/* One row of rv.def. Strings are static. */
struct rv_info {
	unsigned long value;
	int           error; /* 0 for CKR_OK, else a negative MINT_ code */
	const char   *name;  /* "CKR_PIN_INCORRECT" */
	const char   *text;
};

/* The row of a return value; a row "CKR_?" with MINT_TOKEN_ERROR for one the standard does not know. Never NULL. */
const struct rv_info *rv_info(unsigned long value);

#endif

/* Why something was not done: an error of the list and a line for technicians. No secret and no personal data stands in it:
 * fields are named, their values are not. */
#ifndef MINT_CA_REASON_H
#define MINT_CA_REASON_H

struct reason {
	int  error;           /* 0, or negative (schemas/errors.h) */
	char text[400];       /* UTF-8, "" when error is 0 */
};

/* Fills `reason` and returns `error`, so that the place that knows can say `return reason_set(…)`. */
int reason_set(struct reason *reason, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As reason_set, with OpenSSL's own words for its newest error behind the text; empties OpenSSL's error queue. */
int reason_set_openssl(struct reason *reason, int error, const char *what);

#endif

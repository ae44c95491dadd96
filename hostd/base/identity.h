/* Numbers of companies and people: are they well-formed, and which rule do they break?
 *
 * Pure functions over NUL-terminated text. They look at form and check digits only; whether the company or the
 * person exists is for the platform's reviewers.
 */
#ifndef MINT_BASE_IDENTITY_H
#define MINT_BASE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

/* Unified social credit code, GB 32100-2015: registrar (1), kind (1), division (6), organisation code (8 + 1, GB 11714),
 * check character (1). Companies whose registrar miscalculated one of the two check characters exist and trade, so
 * a single wrong one is told apart from both wrong, which is what a typing mistake looks like. */
enum uscc_fault {
	USCC_OK,
	USCC_LENGTH,       /* not 18 characters */
	USCC_CHARACTER,    /* a character outside 0-9 A-H J-N P-R T U W X Y, or a letter in the division */
	USCC_DIVISION,     /* no province has this division code */
	USCC_CHECK,        /* only character 18 is wrong: a second person may let it pass */
	USCC_ORGANISATION, /* only character 17 is wrong: a second person may let it pass */
	USCC_DIGITS        /* both are wrong */
};
enum uscc_fault uscc_check(const char *uscc);

/* Resident identity number, GB 11643-1999: division (6), date of birth (8), sequence (3), check character (1).
 * Division codes are not looked up: retired ones stay valid for those who were born there.
 * `today` is a day of hostd/base/date.h: nobody is born after it. */
enum id_card_fault {
	ID_CARD_OK,
	ID_CARD_LENGTH,    /* not 18 characters */
	ID_CARD_CHARACTER, /* not 17 digits and a digit or capital X */
	ID_CARD_DATE,      /* no such day, before 1800 or after today */
	ID_CARD_CHECK      /* the check character is wrong */
};
enum id_card_fault id_card_check(const char *id_card, int64_t today);

/* Mainland numbers: mobile is 1[3-9] and nine digits; a landline is 0, area code (2 or 3 digits), optional hyphen,
 * 7 or 8 digits, optional hyphen and extension of 1 to 6 digits. */
enum phone_kind { PHONE_INVALID, PHONE_MOBILE, PHONE_LANDLINE };
enum phone_kind phone_kind(const char *phone);

/* An e-mail address as courts and couriers type it: local@domain of RFC 5321, section 4.1.2, without quoted local parts
 * and address literals; ASCII only, at most 254 characters. */
bool email_valid(const char *email);

/* Division code, GB/T 2260: six digits, the first two of which name a province-level division. */
enum division_fault {
	DIVISION_OK,
	DIVISION_FORM,    /* not six digits */
	DIVISION_PROVINCE /* no such province */
};
enum division_fault division_check(const char *division);

/* The province-level division of a division code (its first two digits), in Chinese, as a DN or an address names it;
 * static; NULL when there is none. 10 is used by national registrars and yields "国家". */
const char *division_province(const char *division);

/* Whether the division named in a well-formed USCC is the given one. Companies move: a difference is only a hint. */
bool uscc_names_division(const char *uscc, const char *division);

/* The check characters as the standards compute them, for tools that make test data. The texts must hold the
 * characters before the check character, all of the right alphabet. */
char uscc_check_character(const char *first_17);
char organisation_check_character(const char *first_8);
char id_card_check_character(const char *first_17);

#endif

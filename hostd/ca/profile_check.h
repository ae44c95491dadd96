/* The strict half of the profile reader: each key's check, run while libconfuse parses, so that a complaint names the line. */
#ifndef MINT_CA_PROFILE_CHECK_H
#define MINT_CA_PROFILE_CHECK_H

#include "hostd/ca/profile.h"

#include <confuse.h>

enum { PROFILE_WORDS_MAX = 16 }; /* entries of a list */

/* Hangs the checks into a parser of profiles. Complaints go through cfg_error. */
void profile_check_all(cfg_t *cfg);

/* Fills in string_type and chars_max: the section's own words, else what RFC 5280 says about the attribute. */
void profile_string_rules(cfg_t *section, const ASN1_OBJECT *type, struct profile_field *field);

#endif

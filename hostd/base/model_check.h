/* The checks of a model profile's values and the placeholders of its commands: model.c and model_check.c only. */
#ifndef MINT_BASE_MODEL_CHECK_H
#define MINT_BASE_MODEL_CHECK_H

#include "hostd/base/model.h"

#include <confuse.h>

/* Has libconfuse call the checks while it reads, when the line is still known. */
void model_set_checks(cfg_t *cfg);

/* Hex digits, blanks between bytes allowed. "" gives length 0. false: not valid. */
bool model_bytes_from(const char *text, struct model_bytes *bytes);

/* "3B F5 …", or "3B F5 …/FF FF …" with a mask. */
bool model_atr_from(const char *text, struct model_atr *atr);

/* CODES when there is none of that name. */
enum code model_code_from(const char *name);

/* Has a program, and a value behind each option that takes a code. */
bool model_command_complete(const struct model_command *command);

#endif

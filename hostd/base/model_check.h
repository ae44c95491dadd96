/* The checks of a model profile's values and the placeholders of its commands: model_read.c and model_check.c only. */
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

/* "<so-pin>"; CODES when the text is no placeholder of a code. */
enum code model_code_placeholder(const char *text);

/* CALL_NONE when there is none of that name. */
enum model_call model_call_from(const char *name);

bool model_key_type_known(const char *name);

/* A code that the command wants and the model has not; CODES when there is none. */
enum code model_command_lacks(const struct model_command *command, const struct model *model);

/* Has a program, and a value behind each option that takes a code. */
bool model_command_complete(const struct model_command *command);

#endif

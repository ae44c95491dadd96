/* What a model profile that reads well still lacks, or has that does not go together: model_rules.def. */
#ifndef MINTCTL_MODEL_LINT_H
#define MINTCTL_MODEL_LINT_H

#include "hostd/base/model.h"

#include <jansson.h>
#include <stdbool.h>

enum lint_weight { LINT_ADVICE, LINT_ERROR };

enum lint_rule {
#define MODEL_RULE(name, ...) LINT_##name,
#include "tools/mintctl/model_rules.def"
#undef MODEL_RULE
	LINT_RULES
};

enum { LINT_MAX = 64, LINT_ARGUMENT_BYTES = 128, LINT_TEXT_BYTES = 512 };

struct lint_finding {
	enum lint_rule rule;
	char           argument[LINT_ARGUMENT_BYTES];
};

struct lint {
	struct lint_finding list[LINT_MAX];
	size_t              count;
};

/* Looks through one profile. `others`, which may be NULL and may hold the profile itself, are those it has to go with. */
void lint_model(const struct model *model, const struct models *others, struct lint *lint);

bool lint_has_errors(const struct lint *lint);

const char *lint_name(enum lint_rule rule);
enum lint_weight lint_weight_of(enum lint_rule rule);

/* What is wrong and what to do, in the chosen language, each of LINT_TEXT_BYTES. */
void lint_words(const struct lint_finding *finding, char *what, char *next);

/* {"rule", "weight", "what": {"en", "zh"}, "do": {…}} */
json_t *lint_json(const struct lint_finding *finding);

#endif

/* Findings. */
#include "hostd/base/finding.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "hostd/base/text.h"

static const struct finding_info infos[RULE_COUNT] = {
#define FINDING(name, weight, code, what_en, what_zh, next_en, next_zh) \
	[RULE_##name] = { #name, FINDING_##weight, MINT_##code, { what_en, what_zh }, { next_en, next_zh } },
#include "schemas/findings.def"
#undef FINDING
};

static const char *const weight_names[] = {
	[FINDING_WARNING] = "warning",
	[FINDING_HOLD] = "hold",
	[FINDING_ERROR] = "error",
};

const struct finding_info *
finding_info(enum finding_rule rule)
{
	assert(rule < RULE_COUNT);
	return &infos[rule];
}

void
findings_begin(struct findings *findings, size_t record, size_t line, size_t column)
{
	findings->record = record;
	findings->line = line;
	findings->column = column;
	findings->reference[0] = '\0';
	findings->count = findings->all = 0;
	memset(findings->weights, 0, sizeof findings->weights);
}

static void
fill(struct finding *finding, enum finding_rule rule, const char *path, const char *argument)
{
	finding->rule = rule;
	text_copy(finding->path, sizeof finding->path, path ? path : "", path ? strlen(path) : 0);
	text_copy(finding->argument, sizeof finding->argument, argument ? argument : "", argument ? strlen(argument) : 0);
}

/* The place for the next finding; when the list is full, its last item counts instead. */
static struct finding *
next_item(struct findings *findings)
{
	struct finding *last = &findings->items[FINDINGS_MAX - 1];
	char more[24];

	findings->all++;
	if (findings->count < FINDINGS_MAX)
		return &findings->items[findings->count++];
	snprintf(more, sizeof more, "%zu", findings->all - FINDINGS_MAX + 1);
	fill(last, RULE_MORE, NULL, more);
	last->line = findings->line;
	last->column = findings->column;
	return NULL;
}

static void
add(struct findings *findings, enum finding_rule rule, const char *path, const char *argument, size_t line, size_t column)
{
	struct finding *finding = next_item(findings);

	findings->weights[finding_info(rule)->weight] = true;
	if (!finding)
		return;
	fill(finding, rule, path, argument);
	finding->line = line;
	finding->column = column;
}

void
findings_add(struct findings *findings, enum finding_rule rule, const char *path, const char *argument)
{
	add(findings, rule, path, argument, findings->line, findings->column);
}

void
findings_add_at(struct findings *findings, enum finding_rule rule, const char *path, const char *argument, size_t line,
                size_t column)
{
	/* Only the record's first line shares its line with what stands before the record. */
	if (line == 1)
		column += findings->column - 1;
	add(findings, rule, path, argument, findings->line + line - 1, column);
}

bool
findings_have(const struct findings *findings, enum finding_weight weight)
{
	return findings->weights[weight];
}

static void
fill_in(const char *words, const char *argument, char *text, size_t size)
{
	const char *gap = strstr(words, "{}");

	if (gap)
		snprintf(text, size, "%.*s%s%s", (int)(gap - words), words, argument, gap + 2);
	else
		snprintf(text, size, "%s", words);
}

void
finding_what(const struct finding *finding, enum mint_language language, char *text, size_t size)
{
	fill_in(finding_info(finding->rule)->what[language], finding->argument, text, size);
}

void
finding_next(const struct finding *finding, enum mint_language language, char *text, size_t size)
{
	fill_in(finding_info(finding->rule)->next[language], finding->argument, text, size);
}

json_t *
finding_json(const struct findings *findings, const struct finding *finding)
{
	const struct finding_info *info = finding_info(finding->rule);
	char what[2][FINDING_TEXT_SIZE], next[2][FINDING_TEXT_SIZE];

	for (int language = MINT_EN; language <= MINT_ZH; language++) {
		finding_what(finding, (enum mint_language)language, what[language], sizeof what[language]);
		finding_next(finding, (enum mint_language)language, next[language], sizeof next[language]);
	}
	return json_pack("{s:I, s:I, s:I, s:s?, s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}}",
	                 "record", (json_int_t)findings->record, "line", (json_int_t)finding->line,
	                 "column", (json_int_t)finding->column,
	                 "reference", findings->reference[0] ? findings->reference : NULL,
	                 "path", finding->path, "weight", weight_names[info->weight],
	                 "code", error_info(info->code)->name, "rule", info->name,
	                 "what", "en", what[MINT_EN], "zh", what[MINT_ZH],
	                 "do", "en", next[MINT_EN], "zh", next[MINT_ZH]);
}

json_t *
findings_json(const struct findings *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < findings->count; i++)
		if (json_array_append_new(list, finding_json(findings, &findings->items[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

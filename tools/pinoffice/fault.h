/* Faults as people and programs are told of them: at once as a line on standard error, or collected for --json. */
#ifndef PINOFFICE_FAULT_H
#define PINOFFICE_FAULT_H

#include <jansson.h>

enum fault {
	FAULT_none,
#define FAULT(name, ...) FAULT_##name,
#include "tools/pinoffice/faults.def"
#undef FAULT
	FAULT_COUNT
};

enum { FAULT_DETAIL_BYTES = 256 };

struct faults;

/* The language as mintctl chooses it: `wanted` ("en", "zh", NULL), else LC_ALL, LC_MESSAGES, LANG. Call first. */
void fault_language(const char *wanted);
const char *fault_say(const char *en, const char *zh) __attribute__((format_arg(1), format_arg(2)));

/* NULL when memory is out. */
struct faults *faults_new(int collect);
void faults_free(struct faults **faults);

/* Tells of one. `object` is the file or token it is about, `detail` may be NULL. Neither ever holds a code. */
void fault_tell(struct faults *faults, enum fault fault, const char *object, const char *detail);

/* 1 when they are collected for --json. */
int faults_collects(const struct faults *faults);

/* Of the first that was told; 0 when none was. */
int faults_exit_status(const struct faults *faults);

/* [{"fault", "object", "detail", "what": {en, zh}, "do": {en, zh}}]; the reference stays the list's. */
json_t *faults_json(const struct faults *faults);

#endif

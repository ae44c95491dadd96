/* pkcs11-fault.so: a PKCS#11 module that stands before another one, writes down every call and lets one of them go wrong.
 *
 *   FAULT_MODULE   path of the real module
 *   FAULT_LOG      file that gets a line for each call: its number, its name, its result, and the fault's word where it was the one;
 *                  "" or unset: none. Nothing of what is passed: no PIN gets there
 *   FAULT          "N before RESULT"   the call numbered N is not passed on and gives RESULT: CKR_DEVICE_ERROR, or a number
 *                  "N after RESULT"    it is passed on and then gives RESULT: the deed is done, the answer lost
 *                  "N hang"            it is not passed on and never comes back
 *                  "N crash"           it ends the process
 *                  In place of N a name, "C_SetPIN crash": the first call of that name
 *   FAULT_THREAD   set: a thread is started when the library is loaded
 *   FAULT_ONCE     set: only once whatever process it is; FAULT_LOG tells that it happened
 *
 * Calls are counted from 1 in the whole life of a process, C_GetFunctionList not among them: the library stays loaded whoever closes it
 * (-z nodelete), as a vendor's may. One thread, as is all of ours.
 */
#include "pkcs11/later_names.h"

#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum deed { NOTHING, BEFORE, AFTER, HANG, CRASH };

static const char *const deeds[] = { "", "before", "after", "hang", "crash" };

static const struct {
	const char *name;
	CK_RV       value;
} results[] = {
	{ "CKR_OK", CKR_OK },
#define RV(name, error, text) { "CKR_" #name, CKR_##name },
#include "pkcs11/rv.def"
#undef RV
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static struct {
	CK_FUNCTION_LIST *real;
	unsigned long     calls, at; /* at: which call the fault is for; 0: none, or the one named */
	char              name[40];  /* the first call of this name; "" none */
	enum deed         deed;
	CK_RV             result;
	FILE             *log;
} fault;

/* One call on its way. */
struct call {
	const char   *name;
	unsigned long number;
	enum deed     deed;
};

/* --- what the environment orders */

static CK_RV
result_of(const char *word)
{
	char *end;
	CK_RV number = strtoul(word, &end, 0);

	for (size_t i = 0; i < COUNT(results); i++)
		if (strcmp(results[i].name, word) == 0)
			return results[i].value;
	if (*word == '\0' || *end != '\0') {
		fprintf(stderr, "pkcs11-fault: FAULT: %s is no result\n", word);
		abort();
	}
	return number;
}

static void
read_order(const char *order)
{
	char deed[8] = "", result[64] = "";

	if (!order || !*order)
		return;
	if (sscanf(order, "%lu %7s %63s", &fault.at, deed, result) >= 2 || sscanf(order, "%39s %7s %63s", fault.name, deed, result) >= 2)
		for (enum deed i = BEFORE; i <= CRASH; i++)
			if (strcmp(deeds[i], deed) == 0)
				fault.deed = i;
	if (fault.deed == NOTHING || (fault.at == 0 && strncmp(fault.name, "C_", 2) != 0)) {
		fprintf(stderr, "pkcs11-fault: FAULT: \"%s\" is no fault\n", order);
		abort();
	}
	if (fault.deed == BEFORE || fault.deed == AFTER)
		fault.result = result_of(result);
}

/* Whether the log, of this process or an earlier one, has a line that ends with a deed. */
static bool
happened(const char *log)
{
	FILE *file = log ? fopen(log, "re") : NULL;
	char line[160];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file)) {
		const char *word = strrchr(line, ' ');

		for (enum deed i = BEFORE; word && i <= CRASH; i++)
			found = found || strncmp(word + 1, deeds[i], strcspn(word + 1, "\n")) == 0;
	}
	if (file)
		fclose(file);
	return found;
}

static CK_RV
load_real(const char *path)
{
	CK_C_GetFunctionList get_list = NULL;
	void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (library)
		*(void **)&get_list = dlsym(library, "C_GetFunctionList");
	if (!get_list) {
		fprintf(stderr, "pkcs11-fault: FAULT_MODULE: %s\n", path ? dlerror() : "is not set");
		return CKR_LIBRARY_LOAD_FAILED;
	}
	return get_list(&fault.real);
}

static CK_RV
set_up(void)
{
	const char *log = getenv("FAULT_LOG");

	if (!getenv("FAULT_ONCE") || !happened(log))
		read_order(getenv("FAULT"));
	if (log && *log)
		fault.log = fopen(log, "ae");
	return load_real(getenv("FAULT_MODULE"));
}

static void *
sit(void *unused)
{
	pause();
	return unused;
}

/* As some vendors' modules do. */
static void __attribute__((constructor))
start_thread(void)
{
	pthread_t thread;

	if (getenv("FAULT_THREAD") && pthread_create(&thread, NULL, sit, NULL) == 0)
		pthread_detach(thread);
}

/* --- one call */

static void
write_down(const struct call *call, const char *result)
{
	if (!fault.log)
		return;
	fprintf(fault.log, "%lu %s %s%s%s\n", call->number, call->name, result, call->deed ? " " : "", deeds[call->deed]);
	fflush(fault.log); /* the process may not live to see its end */
}

static void
hang(void)
{
	for (;;)
		pause();
}

static void
crash(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static struct call
begin(const char *name)
{
	struct call call = { name, ++fault.calls, NOTHING };

	if (call.number == fault.at || (!fault.at && strcmp(fault.name, name) == 0)) {
		call.deed = fault.deed;
		fault.name[0] = '\0';
	}
	if (call.deed == HANG || call.deed == CRASH)
		write_down(&call, "-");
	if (call.deed == HANG)
		hang();
	if (call.deed == CRASH)
		crash();
	return call;
}

static CK_RV
end(const struct call *call, CK_RV answer)
{
	CK_RV result = call->deed == NOTHING ? answer : fault.result;
	char number[32];

	snprintf(number, sizeof number, "0x%lx", result);
	for (size_t i = 0; i < COUNT(results); i++)
		if (results[i].value == result)
			snprintf(number, sizeof number, "%s", results[i].name);
	write_down(call, number);
	return result;
}

/* --- every function */

#define PASS(name, parameters, arguments)                                                                 \
	static CK_RV pass_##name parameters                                                               \
	{                                                                                                 \
		const struct call call = begin(#name);                                                    \
		CK_RV answer = CKR_FUNCTION_NOT_SUPPORTED;                                                \
                                                                                                          \
		if (call.deed != BEFORE && fault.real->name)                                              \
			answer = fault.real->name arguments;                                              \
		return end(&call, answer);                                                                \
	}

#define CALL1(name, A) PASS(name, (A a), (a))
#define CALL2(name, A, B) PASS(name, (A a, B b), (a, b))
#define CALL3(name, A, B, C) PASS(name, (A a, B b, C c), (a, b, c))
#define CALL4(name, A, B, C, D) PASS(name, (A a, B b, C c, D d), (a, b, c, d))
#define CALL5(name, A, B, C, D, E) PASS(name, (A a, B b, C c, D d, E e), (a, b, c, d, e))
#define CALL6(name, A, B, C, D, E, F) PASS(name, (A a, B b, C c, D d, E e, F f), (a, b, c, d, e, f))
#define CALL8(name, A, B, C, D, E, F, G, H) \
	PASS(name, (A a, B b, C c, D d, E e, F f, G g, H h), (a, b, c, d, e, f, g, h))
#include "tests/fake/pkcs11_calls.def"
#undef CALL1
#undef CALL2
#undef CALL3
#undef CALL4
#undef CALL5
#undef CALL6
#undef CALL8

static CK_FUNCTION_LIST list = {
	.version = { 2, 40 },
	.C_GetFunctionList = C_GetFunctionList,
#define CALL1(name, ...) .name = pass_##name,
#define CALL2 CALL1
#define CALL3 CALL1
#define CALL4 CALL1
#define CALL5 CALL1
#define CALL6 CALL1
#define CALL8 CALL1
#include "tests/fake/pkcs11_calls.def"
};

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out)
{
	CK_RV r = fault.real ? CKR_OK : set_up();

	*out = r == CKR_OK ? &list : NULL;
	return r;
}

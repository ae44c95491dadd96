#include "pkcs11/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkcs11/internal.h"
#include "pkcs11/rv.h"
#include "schemas/errors.h"
#include "schemas/utf8.h"

static int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
module_now_ms(const struct module *module)
{
	return module->now_us() / 1000;
}

int64_t
module_now_us(const struct module *module)
{
	return module->now_us();
}

bool
module_late(const struct module *module, int64_t deadline_ms)
{
	return deadline_ms != MODULE_NO_DEADLINE && module_now_ms(module) >= deadline_ms;
}

int
module_fail(struct module *module, const char *function, int error, const char *text)
{
	module->failure = (struct module_failure){ function, "", text, CKR_OK };
	return error;
}

int
module_timeout(struct module *module, const char *function)
{
	return module_fail(module, function, MINT_TIMEOUT, "not called: the deadline has passed");
}

int
module_result(struct module *module, const char *function, CK_RV rv)
{
	const struct rv_info *info;

	if (rv == CKR_OK)
		return 0;
	info = rv_info(rv);
	module->failure = (struct module_failure){ function, info->name, info->text, rv };
	return info->error;
}

bool
module_failed_with(const struct module *module, CK_RV rv)
{
	return module->failure.rv == rv;
}

const struct module_failure *
module_failure(const struct module *module)
{
	return &module->failure;
}

void
module_trim(char *out, const unsigned char *field, size_t len)
{
	while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\0'))
		len--;
	memcpy(out, field, len);
	out[len] = '\0';
	utf8_repair(out);
}

/* A module that cannot take what it was given for locking is content with none: we use it from one thread. */
static bool
wants_no_arguments(CK_RV rv)
{
	return rv == CKR_CANT_LOCK || rv == CKR_NEED_TO_CREATE_THREADS || rv == CKR_ARGUMENTS_BAD;
}

/* What somebody else in the process has initialised may be used, and is theirs to finalise (section 11.4). */
static int
initialise(struct module *module)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV                rv;

	rv = module_rv(module, C_Initialize, &args);
	if (wants_no_arguments(rv))
		rv = module_rv(module, C_Initialize, NULL);
	module->initialised = rv == CKR_OK;
	return module_result(module, "C_Initialize", rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv);
}

/* The layout of the list is the same from 2.0 to 3.2; what came with 3.0 is asked for by C_GetInterface, which we need not. */
static bool
version_is_known(const CK_FUNCTION_LIST *functions)
{
	return functions->version.major == 2 || functions->version.major == 3;
}

int
module_adopt(struct module **out, void *function_list, int64_t (*now_us)(void))
{
	struct module *module;
	int            error;

	*out = NULL;
	module = calloc(1, sizeof *module);
	if (module == NULL)
		return MINT_MEMORY;
	module->functions = function_list;
	module->now_us = now_us != NULL ? now_us : monotonic_us;
	module->failure = (struct module_failure){ "", "", "", CKR_OK };
	error = version_is_known(module->functions) ? initialise(module) : MINT_MODULE;
	if (error != 0) {
		module_free(&module);
		return MINT_MODULE;
	}
	*out = module;
	return 0;
}

int
module_open(struct module **out, const char *path, int64_t (*now_us)(void))
{
	CK_C_GetFunctionList get_list;
	CK_FUNCTION_LIST    *list = NULL;
	void                *library;
	int                  error = MINT_MODULE;

	*out = NULL;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return MINT_MODULE;
	*(void **)&get_list = dlsym(library, "C_GetFunctionList");
	if (get_list == NULL || get_list(&list) != CKR_OK || list == NULL)
		goto out;
	error = module_adopt(out, list, now_us);
	if (error == 0)
		(*out)->library = library;
out:
	if (error != 0)
		dlclose(library);
	return error;
}

void
module_free(struct module **module)
{
	struct module *m = *module;

	if (m == NULL)
		return;
	if (m->initialised)
		(void)module_rv(m, C_Finalize, NULL);
	if (m->library != NULL)
		dlclose(m->library);
	free(m);
	*module = NULL;
}

int
module_facts(struct module *module, struct module_facts *out)
{
	CK_INFO info;
	int     error;

	memset(out, 0, sizeof *out);
	memset(&info, 0, sizeof info); /* a module may say that it is done and have done nothing */
	error = module_call(module, MODULE_NO_DEADLINE, C_GetInfo, &info);
	if (error != 0)
		return MINT_MODULE;
	module_trim(out->manufacturer, info.manufacturerID, sizeof info.manufacturerID);
	module_trim(out->description, info.libraryDescription, sizeof info.libraryDescription);
	snprintf(out->version, sizeof out->version, "%u.%u", info.libraryVersion.major, info.libraryVersion.minor);
	return 0;
}

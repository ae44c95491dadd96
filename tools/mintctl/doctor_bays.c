/* What doctor finds about the bays: modules, profiles, readers, cards and slots. No card is touched and no module opened while a bench
 * is running: pcscd tells readers and ATRs without. */
#include "hostd/base/assign.h"
#include "hostd/base/model.h"
#include "schemas/errors.h"
#include "tools/drive/drive.h"
#include "tools/mintctl/client.h"
#include "tools/mintctl/doctor.h"
#include "tools/mintctl/reader.h"
#include "tools/mintctl/screen.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOT_TIMEOUT_MS = 20000, API_TIMEOUT_MS = 2000 };

static void add(struct doctor *, const char *, ...) __attribute__((format(printf, 2, 3)));

/* One finding more. */
static void
add(struct doctor *doctor, const char *format, ...)
{
	size_t used = strlen(doctor->detail), room = sizeof doctor->detail - used;
	va_list arguments;

	va_start(arguments, format);
	if (used && room > 3)
		used += (size_t)snprintf(doctor->detail + used, room, "; ");
	if (used < sizeof doctor->detail)
		vsnprintf(doctor->detail + used, sizeof doctor->detail - used, format, arguments);
	va_end(arguments);
}

/* --- modules */

static int
check_module(struct doctor *doctor, const char *path)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int r = module && dlsym(module, "C_GetFunctionList") ? 0 : MINT_MODULE;

	if (!module)
		add(doctor, say("%s does not load: %s", "模块 %s 无法加载，原文：“%s”"), path, dlerror());
	else if (r != 0)
		add(doctor, "%s: %s", path, say("no C_GetFunctionList", "缺少 C_GetFunctionList"));
	if (module)
		dlclose(module);
	return r;
}

int
doctor_module(struct doctor *doctor)
{
	const struct config *config = doctor->config;
	int general = 0, r = 0;

	for (size_t i = 0; i < config->bay_count; i++) {
		const char *own = config->bays[i].module;

		general |= !own[0];
		if (own[0] && (i == 0 || strcmp(own, config->bays[i - 1].module) != 0) && check_module(doctor, own) != 0)
			r = MINT_MODULE;
	}
	if (general && check_module(doctor, config->module) != 0)
		r = MINT_MODULE;
	if (r == 0)
		add(doctor, "%s", general ? config->module : config->bays[0].module);
	return r;
}

/* --- profiles */

static int
program_is_there(const char *program)
{
	static const char *const places[] = { "/usr/local/bin", "/usr/bin", "/bin" }; /* where mint-worker looks */
	char path[128];

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", places[i], program);
		if (access(path, X_OK) == 0)
			return 1;
	}
	return 0;
}

static int
check_programs(struct doctor *doctor, const struct model *model)
{
	const struct model_commands *const lists[] = { &model->initialise, &model->erase, &model->erase_half, &model->unblock };

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		for (size_t k = 0; k < lists[i]->count; k++) {
			const char *program = lists[i]->list[k].arguments[0];

			if (!program || program_is_there(program))
				continue;
			add(doctor, "%s: %s %s", model->name, program, say("is not installed", "未安装"));
			return MINT_NOT_FOUND;
		}
	return 0;
}

/* A profile that is refused is told by a line of its own, with its file and line. */
static int
read_models(struct doctor *doctor, struct models **models)
{
	const char *directory = doctor->config->models;
	int r;

	if (access(directory, R_OK | X_OK) != 0) {
		add(doctor, "%s: %s", directory, system_text(errno));
		return MINT_NOT_FOUND;
	}
	r = models_read(directory, models);
	if (r != 0)
		add(doctor, "%s: %s", directory, say("see the line above", "见上一行"));
	return r;
}

int
doctor_models(struct doctor *doctor)
{
	struct models *models = NULL;
	int r = read_models(doctor, &models);

	if (r != 0)
		return r;
	for (size_t i = 0; i < models->count && r == 0; i++)
		r = check_programs(doctor, models->list[i]);
	for (size_t i = 0; i < models->count && r == 0; i++)
		add(doctor, "%s", models->list[i]->name);
	for (size_t i = 0; i < doctor->config->bay_count; i++) {
		const struct config_bay *bay = &doctor->config->bays[i];

		if (!bay->model[0] || models_by_name(models, bay->model))
			continue;
		add(doctor, say("bay %d: there is no profile %s", "工位 %d：没有型号 %s"), bay->number, bay->model);
		r = MINT_NOT_FOUND;
	}
	models_free(&models);
	return r;
}

/* --- readers and cards */

/* A card that no ATR fits may still be known by its application, which only a worker may ask. */
static int
check_card(struct doctor *doctor, const struct models *models, const struct config_bay *bay, const struct reader *reader)
{
	const struct model *model = models_by_atr(models, reader->atr, reader->atr_length);
	char atr[3 * MODEL_ATR_MAX + 1];

	if (!model && models_by_application(models, NULL)) {
		add(doctor, say("bay %d: a card of no known ATR, perhaps of a model known by its application", "工位 %d：ATR 未知，可能按应用识别"), bay->number);
		return 0;
	}
	if (model && bay->model[0] && strcmp(bay->model, model->name) != 0) {
		add(doctor, say("bay %d: the card is %s, the bay takes %s", "工位 %d：介质为 %s，该工位仅限 %s"), bay->number, model->name, bay->model);
		return MINT_TOKEN_MODEL;
	}
	if (model) {
		add(doctor, say("bay %d: %s", "工位 %d：%s"), bay->number, model->name);
		return 0;
	}
	reader_atr_text(reader, atr);
	add(doctor, say("bay %d: no profile for ATR %s: mintctl token try", "工位 %d：没有匹配 ATR %s 的型号：mintctl token try"), bay->number, atr);
	return MINT_TOKEN_UNKNOWN;
}

static int
check_reader(struct doctor *doctor, const struct readers *readers, const struct models *models, const struct config_bay *bay, const char *name)
{
	const struct reader *reader = readers_find(readers, name);

	if (!name[0]) {
		add(doctor, say("bay %d: no reader fits \"%s\" now", "工位 %d：目前没有与“%s”匹配的读卡器"), bay->number, bay->reader);
		return 0; /* it may come with its token */
	}
	if (!reader || reader->state == READER_GONE) {
		add(doctor, say("bay %d: there is no reader \"%s\"", "工位 %d：没有读卡器“%s”"), bay->number, name);
		return MINT_READER;
	}
	return reader->state == READER_CARD ? check_card(doctor, models, bay, reader) : 0;
}

static int
check_readers(struct doctor *doctor, size_t pcscd, const struct readers *readers, const struct models *models)
{
	const struct config *config = doctor->config;
	struct assigned *assigned = calloc(config->bay_count, sizeof *assigned);
	int r = assigned ? 0 : MINT_MEMORY;

	if (r == 0)
		assign_readers_by_name(config, pcscd, readers->names, assigned);
	for (size_t i = 0; assigned && i < config->bay_count; i++) {
		int found = config_bay_is_slot(&config->bays[i]) || config->bays[i].pcscd != pcscd ? 0
		    : check_reader(doctor, readers, models, &config->bays[i], assigned[i].reader);

		r = r == 0 ? found : r;
	}
	if (r == MINT_READER)
		for (size_t i = 0; i < readers->count; i++)
			add(doctor, say("there is \"%s\"", "现有“%s”"), readers->list[i].name);
	free(assigned);
	return r;
}

static int
check_pcscd(struct doctor *doctor, size_t pcscd, const struct models *models)
{
	struct readers readers;
	int r = readers_list(doctor->config, pcscd, &readers);

	if (r != 0) {
		add(doctor, "%s: %s", config_pcscd_path(&doctor->config->pcscds[pcscd]), say("pcscd does not answer", "pcscd 无应答"));
		return r;
	}
	r = check_readers(doctor, pcscd, &readers, models);
	readers_free(&readers);
	return r;
}

int
doctor_has_readers(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->config->bay_count; i++)
		if (!config_bay_is_slot(&doctor->config->bays[i]))
			return 1;
	return 0;
}

int
doctor_cards(struct doctor *doctor)
{
	struct models *models = NULL;
	int r;

	if (!doctor_has_readers(doctor)) {
		add(doctor, "%s", say("no bay is a reader", "没有读卡器工位"));
		return 0;
	}
	r = read_models(doctor, &models);
	for (size_t i = 0; models && i < doctor->config->pcscd_count; i++) {
		int found = config_pcscd_has_bays(doctor->config, i) ? check_pcscd(doctor, i, models) : 0;

		r = r == 0 ? found : r;
	}
	if (r == 0 && !doctor->detail[0])
		add(doctor, "%s", say("readers are there and empty", "读卡器就绪，未插介质"));
	models_free(&models);
	return r;
}

/* --- slots */

/* A worker looks, as it would when the bench runs; no PIN is given. */
static int
check_slot(struct doctor *doctor, const char *config_path, const struct config_bay *bay)
{
	struct message order = { .type = MESSAGE_order }, answer = { .type = MESSAGE_hello };
	struct drive *drive = NULL;
	char worker[4096];
	int r;

	snprintf(worker, sizeof worker, "%s/mint-worker", doctor->config->programs);
	order.order = (struct message_order){ .lease = 1, .bay = (uint32_t)bay->number, .role = ROLE_SURVEY, .reader = "" };
	r = access(worker, X_OK) == 0 ? drive_start(&drive, worker, config_path) : MINT_NOT_FOUND;
	if (r == 0)
		r = drive_ask(drive, &order, MESSAGE_probed, &answer, SLOT_TIMEOUT_MS);
	if (r == 0 && !answer.probed.model[0]) {
		add(doctor, say("bay %d: no profile for this token: mintctl token try", "工位 %d：没有匹配的型号：mintctl token try"), bay->number);
		r = MINT_TOKEN_UNKNOWN;
	} else if (r == 0) {
		add(doctor, say("bay %d: %s", "工位 %d：%s"), bay->number, answer.probed.model);
	} else {
		add(doctor, say("bay %d: %s: %s", "工位 %d：%s：%s"), bay->number, error_info(r)->what[screen_language()],
		    answer.type == MESSAGE_failed ? answer.failed.detail : worker);
	}
	message_clear(&answer);
	drive_finish(&drive);
	return r == MINT_TOKEN_GONE ? 0 : r; /* an empty slot is in order */
}

/* The slots are a running bench's own. */
static int
bench_runs(struct doctor *doctor)
{
	struct client *client = client_new(doctor->socket_path);
	json_t *answer = NULL;
	int r = client ? client_get(client, "/v1/status", API_TIMEOUT_MS, &answer) : MINT_MEMORY;

	json_decref(answer);
	client_free(&client);
	return r == 0;
}

int
doctor_slots(struct doctor *doctor)
{
	const struct config *config = doctor->config;
	int r = 0, slots = 0;

	for (size_t i = 0; i < config->bay_count; i++)
		slots += config_bay_is_slot(&config->bays[i]);
	if (slots == 0 || bench_runs(doctor)) {
		add(doctor, "%s", slots == 0 ? say("no bay is a slot", "没有插槽工位") : say("the bench is running: see mintctl bays", "工作站运行中：见 mintctl bays"));
		return 0;
	}
	for (size_t i = 0; i < config->bay_count; i++) {
		int found = config_bay_is_slot(&config->bays[i]) ? check_slot(doctor, doctor->config_path, &config->bays[i]) : 0;

		r = r == 0 ? found : r;
	}
	return r;
}

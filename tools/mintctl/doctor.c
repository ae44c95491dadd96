/* mintctl doctor: what this bench needs, a line each: ok, or what is wrong and what to do. Runs with or without a daemon. */
#include "tools/mintctl/doctor.h"
#include "hostd/base/calendar.h"
#include "hostd/base/clock.h"
#include "schemas/errors.h"
#include "tools/mintctl/command.h"
#include "tools/mintctl/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct check {
	const char *name;
	const char *title[2];
	int       (*look)(struct doctor *doctor);
	const char *next[2]; /* what to do when it is wrong */
} checks[] = {
	{ "programs", { "programs", "程序" }, doctor_programs, { "install Mintbench, or mend `programs`", "安装 Mintbench，或修改 programs" } },
	{ "module", { "PKCS#11 module", "PKCS#11 模块" }, doctor_module, { "install it (OpenSC's is in opensc-pkcs11), or mend `module` of the bay or the configuration", "安装该模块（OpenSC 的在 opensc-pkcs11 包中），或修改工位或配置的 module" } },
	{ "pcscd", { "pcscd", "pcscd" }, doctor_pcscd, { "start pcscd, or mend `pcscd_socket`, or `socket` and `start` of its section (mintd starts those that have a `start`)", "启动 pcscd，或修改 pcscd_socket，或该节的 socket、start（有 start 的由 mintd 启动）" } },
	{ "models", { "token models", "介质型号" }, doctor_models, { "mend `models`: it holds one file for each model (mintctl token model check FILE)", "修改 models：每种型号一个文件（mintctl token model check 文件）" } },
	{ "cards", { "readers and cards", "读卡器和介质" }, doctor_cards, { "check the cable; compare `reader` and `model` of the bay with what is there: docs/connect.md; a card without profile: docs/token-models.md", "检查连线；核对工位的 reader、model 与现有读卡器、介质：见 docs/connect.md；没有型号文件的介质：见 docs/token-models.md" } },
	{ "slots", { "slots", "插槽" }, doctor_slots, { "mend `module`, `slot`, `model` or `environment` of the bay, or `programs`: docs/connect.md; a token without profile: docs/token-models.md", "修改该工位的 module、slot、model 或 environment，或 programs：见 docs/connect.md；没有型号文件的介质：见 docs/token-models.md" } },
	{ "station_key", { "the bench's key", "工作站密钥" }, doctor_station_key, { "make it: (umask 077; head -c 32 /dev/urandom > FILE); keep a copy apart", "生成：(umask 077; head -c 32 /dev/urandom > 文件)，并另存备份" } },
	{ "office", { "PIN office certificate", "口令管理证书" }, doctor_office, { "ask the PIN office for its certificate (PEM)", "向口令管理方索取证书（PEM）" } },
	{ "ca", { "CA", "CA" }, doctor_ca, { "make one: mintctl ca init --config FILE --subject NAME, or mend `ca_directory`", "创建：mintctl ca init --config 文件 --subject 名称，或修改 ca_directory" } },
	{ "profiles", { "certificate profiles", "证书模板" }, doctor_profiles, { "mend `ca_profiles` or `ca_profile`: mintctl ca profiles", "修改 ca_profiles 或 ca_profile：mintctl ca profiles" } },
	{ "passphrase", { "CA passphrase", "CA 口令" }, doctor_passphrase, { "a file that mint-ca alone may read (chmod 600), one line of at least 8 characters", "仅 mint-ca 可读的文件（chmod 600），一行，至少 8 个字符" } },
	{ "printer", { "printer", "打印机" }, doctor_printer, { "make the directory and let mint-label write there, or mend `printer`", "创建目录并允许 mint-label 写入，或修改 printer" } },
	{ "layouts", { "label layouts", "面单版式" }, doctor_layouts, { "mend `label_layouts`", "修改 label_layouts" } },
	{ "fonts", { "fonts", "字体" }, doctor_fonts, { "install fonts-noto-cjk and fontconfig", "安装 fonts-noto-cjk 和 fontconfig" } },
	{ "calendar", { "calendar", "日历" }, doctor_calendar, { "mend `calendar`; add the notice of the year to its file", "修改 calendar；将当年放假通知加入该文件" } },
	{ "clock", { "clock", "时钟" }, doctor_clock, { "set the clock: timedatectl set-ntp true; is it right now and stood ahead before: mintctl clock confirm DATE --why …", "校准时钟：timedatectl set-ntp true；若现已正确而此前超前：mintctl clock confirm 日期 --why …" } },
	{ "database", { "database", "数据库" }, doctor_database, { "stop mintd, keep the file, restore a backup", "停止 mintd，保留该文件，恢复备份" } },
	{ "disk", { "free space", "剩余空间" }, doctor_disk, { "make the directory of `database`; make room on its disk", "创建 database 所在目录；清理其磁盘" } },
	{ "api", { "mint-api", "mint-api" }, doctor_api, { "start mintd and read its log", "启动 mintd 并查看日志" } },
	{ "readers", { "readers of the bays", "工位读卡器" }, doctor_readers, { "check the cable; compare `reader` with the names that pcscd tells", "检查连线；核对 reader 与 pcscd 报告的名称" } },
};

enum { CHECK_COUNT = sizeof checks / sizeof checks[0], TITLE_COLUMNS = 24 };

static int found(struct doctor *, int, const char *, ...) __attribute__((format(printf, 3, 4)));

/* Says what was found and passes the verdict on. */
static int
found(struct doctor *doctor, int verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(doctor->detail, sizeof doctor->detail, format, arguments);
	va_end(arguments);
	return verdict;
}

int
doctor_programs(struct doctor *doctor)
{
	static const char *const names[] = { "mintd", "mint-queue", "mint-worker", "mint-ca", "mint-bench", "mint-label", "mint-api" };
	char path[4096];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", doctor->config->programs, names[i]);
		if (access(path, X_OK) != 0)
			return found(doctor, MINT_NOT_FOUND, "%s: %s", path, system_text(errno));
	}
	return found(doctor, 0, "%s", doctor->config->programs);
}

static int
pcscd_listens(struct doctor *doctor, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof address.sun_path)
		return found(doctor, MINT_CONFIG, "%s: %s", path, say("too long for a socket", "超出套接字路径长度"));
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	r = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0
	    ? found(doctor, 0, "%s", path) : found(doctor, MINT_READER, "%s: %s", path, system_text(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

int
doctor_pcscd(struct doctor *doctor)
{
	const struct config *config = doctor->config;
	int r = 0, needed = 0;

	for (size_t i = 0; i < config->pcscd_count && r == 0; i++)
		if (config_pcscd_has_bays(config, i)) {
			needed++;
			r = pcscd_listens(doctor, config_pcscd_path(&config->pcscds[i]));
		}
	if (r == 0 && needed > 1)
		return found(doctor, 0, say("%d instances answer", "%d 个实例均应答"), needed);
	return needed ? r : found(doctor, 0, "%s", say("not needed: no bay is a reader", "无需：没有读卡器工位"));
}

static int
directory_holds_files(struct doctor *doctor, const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return found(doctor, MINT_NOT_FOUND, "%s: %s", path, system_text(errno));
	if (!S_ISDIR(status.st_mode) || access(path, R_OK | X_OK) != 0)
		return found(doctor, MINT_NOT_FOUND, "%s: %s", path, say("is no directory that can be read", "不是可读取的目录"));
	return found(doctor, 0, "%s", path);
}

int
doctor_profiles(struct doctor *doctor)
{
	char path[8192];

	snprintf(path, sizeof path, "%s/%s.conf", doctor->config->ca_profiles, doctor->config->ca_profile);
	return access(path, R_OK) == 0 ? found(doctor, 0, "%s", path) : found(doctor, MINT_NOT_FOUND, "%s: %s", path, system_text(errno));
}

int
doctor_layouts(struct doctor *doctor)
{
	return directory_holds_files(doctor, doctor->config->label_layouts);
}

/* A secret's file: there, not empty, for nobody else's eyes. */
static int
secret_file(struct doctor *doctor, const char *path, off_t exact_bytes)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return found(doctor, MINT_NOT_FOUND, "%s: %s", path, system_text(errno));
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return found(doctor, MINT_CONFIG, "%s: %s %04o", path, say("others may read it too: mode", "其他用户也能读取，权限"), (unsigned)status.st_mode & 07777u);
	if (status.st_size == 0 || (exact_bytes && status.st_size != exact_bytes))
		return found(doctor, MINT_CONFIG, "%s: %s %lld", path, say("length in bytes:", "字节数："), (long long)status.st_size);
	return found(doctor, 0, "%s", path);
}

int
doctor_station_key(struct doctor *doctor)
{
	return secret_file(doctor, doctor->config->station_key, 32);
}

/* As mint-ca counts it: the bytes of the first line. −1 when it cannot be read. */
static long
first_line_bytes(const char *path)
{
	char text[PASSPHRASE_MAX + 2];
	FILE *file = fopen(path, "re");
	size_t length;

	if (!file)
		return -1;
	setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret stays behind in a buffer */
	length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	length = (size_t)(strchrnul(text, '\n') - text);
	OPENSSL_cleanse(text, sizeof text);
	return (long)length;
}

/* A passphrase that only another user may read is not looked into: mint-ca says the rest. */
int
doctor_passphrase(struct doctor *doctor)
{
	const char *path = doctor->config->ca_passphrase;
	long bytes;
	int r;

	if (!path[0])
		return found(doctor, 0, "$CREDENTIALS_DIRECTORY/ca-passphrase");
	r = secret_file(doctor, path, 0);
	bytes = r == 0 ? first_line_bytes(path) : -1;
	if (bytes >= 0 && (bytes < PASSPHRASE_MIN || bytes > PASSPHRASE_MAX))
		return found(doctor, MINT_CONFIG, say("%s: its first line has %ld bytes, %d to %d are wanted", "%s：首行 %ld 字节，应为 %d 至 %d 字节"), path, bytes,
		    PASSPHRASE_MIN, PASSPHRASE_MAX);
	return r;
}

/* A certificate in PEM that is valid now. */
static int
certificate_file(struct doctor *doctor, const char *path)
{
	FILE *file = fopen(path, "re");
	X509 *certificate;
	int r;

	if (!file)
		return found(doctor, MINT_NOT_FOUND, "%s: %s", path, system_text(errno));
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (!certificate)
		r = found(doctor, MINT_CONFIG, "%s: %s", path, say("is no certificate in PEM", "不是 PEM 证书"));
	else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0 || X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		r = found(doctor, MINT_CONFIG, "%s: %s", path, say("is not valid today", "不在有效期内"));
	else
		r = found(doctor, 0, "%s", path);
	X509_free(certificate);
	return r;
}

int
doctor_office(struct doctor *doctor)
{
	return certificate_file(doctor, doctor->config->office_certificate);
}

int
doctor_ca(struct doctor *doctor)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/ca.pem", doctor->config->ca_directory);
	return certificate_file(doctor, path);
}

int
doctor_printer(struct doctor *doctor)
{
	const char *printer = doctor->config->printer;

	if (strncmp(printer, "file:", 5) != 0)
		return found(doctor, MINT_PRINTER, "%s: %s", printer, say("not a kind of printer this release knows", "本版本不支持此类打印机"));
	if (access(printer + 5, W_OK | X_OK) != 0)
		return found(doctor, MINT_PRINTER, "%s: %s", printer + 5, system_text(errno));
	return found(doctor, 0, "%s", printer);
}

/* Rare characters of real names (U+4DAE, U+36C3): a font with these has the common ones too. */
int
doctor_fonts(struct doctor *doctor)
{
	FILE *pipe = popen("fc-match -f '%{family[0]}' :charset=4dae:charset=36c3 2>/dev/null; "
	                   "fc-list :charset=4dae:charset=36c3 family 2>/dev/null | head -n 1 | grep -q . || echo ' MISSING'", "r");
	char text[128] = "";
	size_t length = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;

	if (pipe)
		pclose(pipe);
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (length == 0 || strstr(text, "MISSING"))
		return found(doctor, MINT_LABEL_GLYPH, "%s 䶮 㛃", say("no font has both of", "没有同时包含以下字的字体："));
	return found(doctor, 0, "%s", text);
}

int
doctor_calendar(struct doctor *doctor)
{
	static const int64_t day_us = 86400000000, shanghai_us = 28800000000;
	struct calendar *calendar = NULL;
	char message[DOCTOR_DETAIL_BYTES];
	int r = calendar_load(&calendar, doctor->config->calendar, message, sizeof message);

	if (r != 0) /* the reader of conf files has English words only */
		return found(doctor, r, say("%s", "日历文件无法读取，原文：“%s”"), message);
	r = calendar_is_published(calendar, (clock_utc_us() + shanghai_us) / day_us)
	    ? found(doctor, 0, "%s", doctor->config->calendar)
	    : found(doctor, MINT_CONFIG, "%s: %s", doctor->config->calendar, say("has no notice for this year", "缺少当年放假通知"));
	calendar_free(&calendar);
	return r;
}

/* --- the round */

static json_t *
result_json(const struct check *check, int verdict, const char *detail)
{
	json_t *object = json_pack("{s:s,s:b,s:s*}", "check", check->name, "ok", verdict == 0, "detail", detail);

	if (verdict != 0) {
		json_object_set_new(object, "error", json_string(error_info(verdict)->name));
		json_object_set_new(object, "do", json_pack("{s:s,s:s}", "en", check->next[MINT_EN], "zh", check->next[MINT_ZH]));
	}
	return object;
}

static void
print_result(const struct check *check, int verdict, const char *detail)
{
	text_pad(stdout, check->title[screen_language()], TITLE_COLUMNS);
	if (verdict == 0)
		printf("%s  %s\n", say("ok", "正常"), detail);
	else
		printf("%s  %s: %s\n%*s%s %s\n", say("wrong", "异常"), error_info(verdict)->what[screen_language()], detail, TITLE_COLUMNS, "",
		    say("do:", "处理："), check->next[screen_language()]);
}

/* All checks, even after one has failed: the person mends them in one go. The first failure is the exit status. */
static int
make_round(struct run *run, struct doctor *doctor, json_t *results)
{
	int first = 0;

	for (size_t i = 0; i < CHECK_COUNT; i++) {
		int verdict;

		doctor->detail[0] = '\0';
		verdict = checks[i].look(doctor);
		if (first == 0)
			first = verdict;
		if (run->json)
			json_array_append_new(results, result_json(&checks[i], verdict, doctor->detail));
		else
			print_result(&checks[i], verdict, doctor->detail);
	}
	return first;
}

int
run_doctor(struct run *run)
{
	const char *path = run->config_path ? run->config_path : "/etc/mintbench/mint.conf";
	struct config *config = NULL;
	struct doctor doctor = { .config_path = path, .socket_path = run->socket_path };
	json_t *results = json_array(), *answer;
	int r = config_read(path, &config);

	if (r != 0) {
		json_decref(results);
		return command_fail_with(run, r, path);
	}
	doctor.config = config;
	setenv("MINT_LOG", "none", 0); /* of workers that are asked: what they say is told here */
	if (!run->options[OPTION_SOCKET] && !getenv("MINT_SOCKET"))
		doctor.socket_path = config->api_socket;
	r = make_round(run, &doctor, results);
	answer = json_pack("{s:b,s:O}", "ok", r == 0, "checks", results);
	command_print_json(run, answer);
	json_decref(answer);
	json_decref(results);
	config_free(&config);
	return r;
}

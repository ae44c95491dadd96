/* What a restore says at its end: where the old files are, what is missing, and the lines to type. */
#include "hostd/base/config.h"
#include "tools/mintctl/look.h"
#include "tools/mintctl/restore.h"
#include "tools/mintctl/screen.h"

#include <stdio.h>

enum { TOLD_MAX = 20 };

static void
tell_some(const char *title, const json_t *list, const char *member)
{
	const json_t *one;
	size_t i;

	printf("%s: %zu\n", title, json_array_size(list));
	json_array_foreach(list, i, one) {
		if (i == TOLD_MAX) {
			printf("  … %s\n", say("all of them with --json", "完整列表请用 --json"));
			break;
		}
		if (member)
			printf("  %s  %s  %s\n", text_of(one, member), text_of(one, "signed_at"), text_of(one, "subject"));
		else
			printf("  %s\n", json_string_value(one));
	}
}

/* The exact lines, for somebody who does this once in years. */
static void
tell_how_to_go_on(const struct restore *restore)
{
	const char *config_path = restore->run->config_path ? restore->run->config_path : "/etc/mintbench/mint.conf";
	const char *user = restore->config->separate_users ? "runuser -u mint-ca -- " : "";
	const json_t *one;
	size_t i;

	if (!restore->unsettled)
		return;
	puts(say("Until these are settled the bench begins no credential and asks for no certificate. To revoke one that was not handed over, before the bench is started:",
	         "处理完毕之前，制证台不再开始制证、不再申请签发。未发出的证书，请在启动制证台之前吊销："));
	json_array_foreach(json_object_get(restore->unsettled, "certificates"), i, one) {
		if (i == TOLD_MAX) {
			printf("  … %s\n", say("all of them with --json", "完整列表请用 --json"));
			break;
		}
		printf("  %smintctl ca revoke --config %s --serial %s --reason superseded   # %s\n", user, config_path, text_of(one, "serial"), text_of(one, "credential"));
	}
	printf(say("Of what was handed over, cancel the application once the bench runs (mintctl cancel REFERENCE --why …). Then:\n  mintctl settle %s --why '…'\n",
	           "已发出的证书，启动后请取消其申请（mintctl cancel 申请号 --why …）。最后执行：\n  mintctl settle %s --why '…'\n"), restore->config->bench);
}

void
restore_tell(struct restore *restore)
{
	json_t *answer = json_pack("{s:s,s:O,s:b,s:O,s:o,s:O,s:o}", "restored", restore->config->database, "record",
	    json_object_get(restore->list, "record"), "ca_restored", restore->ca_was_put, "moved", restore->moved, "applications_not_in_backup",
	    restore->lost_applications ? json_incref(restore->lost_applications) : json_null(), "certificates_not_in_backup", restore->later_certificates,
	    "unsettled", restore->unsettled ? json_incref(restore->unsettled) : json_null());

	if (!command_print_json(restore->run, answer)) {
		printf(say("%s is restored up to event %lld.\n", "%s 已恢复至事件 %lld。\n"), restore->config->database,
		    number_of(json_object_get(restore->list, "record"), "event"));
		tell_some(say("Old files, kept", "保留的旧文件"), restore->moved, NULL);
		puts(restore->ca_was_put
		    ? say("The CA's files came from the backup: what it signed since then it does not know any more and cannot revoke. Find such certificates by their tokens: destroy what was not handed over.",
		          "CA 文件取自备份：此后签发的证书 CA 已无记录，也无法吊销；请按介质查找，未发出的介质应销毁。")
		    : say("The CA's own files are newer and were kept.", "CA 自有文件较新，已保留。"));
		if (restore->lost_applications)
			tell_some(say("Applications of the old record that the backup does not have: import them again", "备份中没有的申请，请重新导入"),
			    restore->lost_applications, NULL);
		else
			puts(say("The old record cannot tell which applications came after the backup: import them again from the platform; what is known already is not taken twice.",
			         "旧数据库无法说明备份后有哪些申请：请从平台重新导入，已有的不会重复受理。"));
		tell_some(say("Certificates signed since the backup that the record does not know: lay their tokens aside; a certificate that was not handed over is to be revoked, its application is minted anew",
		              "备份后签发、数据库中没有的证书：请将相应介质另放；未发出的证书应吊销，申请将重新制证"), restore->later_certificates, "serial");
		tell_how_to_go_on(restore);
	}
	json_decref(answer);
}

/* The conversation with mint-queue. All questions that are there when the loop turns are answered after one sync. */
#include "hostd/ca/service.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/base/program.h"
#include "hostd/ca/ca.h"
#include "hostd/ca/passphrase.h"
#include "hostd/ca/profile.h"
#include "schemas/errors.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CRL_DAYS = 7, BATCH_QUESTIONS = 32 };

struct service {
	struct program_context *context;
	struct ca              *ca;
	struct profiles         profiles;
	struct event           *settle;         /* of lower priority than the channel: runs when nothing is left to read */
	struct event           *publish;
	int                     revoked;        /* since the last publication */
};

static struct message
certificate_answer(const struct ca_answer *answer)
{
	struct message message = { .type = MESSAGE_certified };

	switch (answer->verdict) {
	case CA_SIGNED:
		message.certified = (struct message_certified){ answer->request_id, answer->certificate };
		break;
	case CA_NOT_SIGNED:
		message.type = MESSAGE_certify_refused;
		message.certify_refused = (struct message_certify_refused){
			answer->request_id, (uint32_t)-answer->reason.error, answer->reason.text,
		};
		break;
	case CA_UNKNOWN:
		message.type = MESSAGE_certify_unknown;
		message.certify_unknown = (struct message_certify_unknown){ answer->request_id, answer->reason.text };
		break;
	}
	return message;
}

static void
on_answer(const struct ca_answer *answer, void *argument)
{
	struct service *service = argument;
	struct message message = { .type = MESSAGE_revoked };

	if (answer->verdict != CA_SIGNED)
		log_warning("request %llu: %s: %s", (unsigned long long)answer->request_id,
		    error_info(answer->reason.error)->what[MINT_EN], answer->reason.text);
	if (answer->question == CA_REVOKE) {
		int error = answer->verdict == CA_SIGNED ? 0 : answer->verdict == CA_UNKNOWN ? -MINT_CA_UNKNOWN : -answer->reason.error;

		message.revoked = (struct message_revoked){ answer->request_id, (uint32_t)error, answer->reason.text };
		service->revoked |= error == 0;
	} else {
		message = certificate_answer(answer);
	}
	(void)ipc_queue(service->context->queue, &message, -1);
}

static void
publish(struct service *service)
{
	struct reason reason = { .error = 0 };
	struct timeval delay = { 0, 0 };
	unsigned again_s;

	if (ca_publish(service->ca, 0, &again_s, &reason) != 0)
		log_error("revocation list: %s: tried again in %u s", reason.text, again_s);
	delay.tv_sec = (time_t)again_s;
	event_add(service->publish, &delay);
	service->revoked = 0;
}

static void
settle(struct service *service)
{
	int r = ca_settle(service->ca);

	ipc_flush(service->context->queue);
	if (r != 0) {
		log_error("the issue log may not be used on: ending, the next start finds out what it holds");
		event_base_loopbreak(service->context->base);
	} else if (service->revoked) {
		publish(service);
	}
}

static void
on_settle(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	settle(argument);
}

static void
on_publish(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	publish(argument);
}

static void
on_message(struct program_context *context, const struct message *message)
{
	struct service *service = context->state;
	const struct message_certify *certify = &message->certify;

	switch ((int)message->type) {
	case MESSAGE_certify:
		ca_certify(service->ca, &(struct ca_request){
			certify->request_id, certify->serial, certify->profile, certify->subject, certify->request });
		break;
	case MESSAGE_lookup:
		ca_lookup(service->ca, message->lookup.request_id, message->lookup.spki_sha256);
		break;
	case MESSAGE_revoke:
		ca_revoke(service->ca, message->revoke.request_id, message->revoke.serial, message->revoke.reason);
		break;
	default:
		log_error("mint-queue: %s is not for mint-ca: ending, both are started anew", message_name(message->type));
		event_base_loopbreak(context->base);
		return;
	}
	if (ca_pending(service->ca) >= BATCH_QUESTIONS)
		settle(service);
	else
		event_active(service->settle, EV_TIMEOUT, 0);
}

static int
open_ca(struct service *service, const struct config *config, struct reason *reason)
{
	struct passphrase passphrase;
	struct ca_settings settings = {
		.passphrase = &passphrase, .profiles = &service->profiles, .crl_days = CRL_DAYS, .handler = on_answer, .argument = service,
	};
	int r = profiles_read_directory(&service->profiles, config->ca_profiles, reason);

	if (r != 0)
		return r;
	r = passphrase_read(&passphrase, -1, config->ca_passphrase, reason);
	if (r != 0)
		return r;
	settings.directory = open(config->ca_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (settings.directory < 0)
		r = reason_set(reason, MINT_NOT_FOUND, "%s: %s: make a CA with `mintctl ca init`", config->ca_directory, strerror(errno));
	else
		r = ca_open(&service->ca, "embedded", &settings, reason);
	passphrase_clear(&passphrase);
	if (settings.directory >= 0)
		close(settings.directory);
	return r;
}

static void
end(struct program_context *context)
{
	struct service *service = context->state;

	if (!service)
		return;
	if (service->ca && ca_pending(service->ca)) {
		(void)ca_settle(service->ca);
		ipc_flush(context->queue);
	}
	ca_close(&service->ca);
	profiles_clear(&service->profiles);
	if (service->settle)
		event_free(service->settle);
	if (service->publish)
		event_free(service->publish);
	free(service);
	context->state = NULL;
}

static int
begin(struct program_context *context)
{
	struct service *service = context->state = calloc(1, sizeof *service);
	struct reason reason = { .error = 0 };
	int r;

	if (!service)
		return MINT_MEMORY;
	service->context = context;
	r = open_ca(service, context->config, &reason);
	if (r != 0) {
		log_error("%s", reason.text);
		return r;
	}
	if (event_base_priority_init(context->base, 2) != 0)
		return MINT_SYSTEM;
	service->settle = event_new(context->base, -1, 0, on_settle, service);
	service->publish = evtimer_new(context->base, on_publish, service);
	if (!service->settle || !service->publish || event_priority_set(service->settle, 1) != 0)
		return MINT_MEMORY;
	publish(service);
	return 0;
}

int
service_main(int argc, char **argv)
{
	static const struct program_info info = {
		.program = PROGRAM_CA,
		.name = "mint-ca",
		.purpose = "Signs, finds and revokes certificates for mint-queue. For its subcommands: mint-ca help.",
		.begin = begin,
		.on_message = on_message,
		.end = end,
	};

	return program_main(&info, argc, argv);
}

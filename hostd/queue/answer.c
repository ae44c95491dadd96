#include "hostd/queue/answer.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/turn.h"

#include <stdlib.h>
#include <string.h>

enum { DETAIL_MAX = 8192 };

/* What is too long for the message is said without its particulars rather than not at all. */
static char *
print(json_t *detail)
{
	char *text = detail ? json_dumps(detail, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	json_decref(detail);
	if (text && strlen(text) > DETAIL_MAX) {
		free(text);
		text = NULL;
	}
	return text;
}

int
answer_command(struct queue *queue, uint64_t call, int error, json_t *detail)
{
	struct message message = { .type = MESSAGE_command_result };
	char *text = print(detail);
	int r;

	message.command_result = (struct message_command_result){
		.call = call, .error = (uint32_t)(error < 0 ? -error : error), .detail = text ? text : "{}",
	};
	r = turn_send(queue, queue->peers[PROGRAM_API].ipc, &message);
	free(text);
	return r;
}

int
answer_import(struct queue *queue, uint64_t call, int outcome, int64_t application, json_t *detail)
{
	struct message message = { .type = MESSAGE_import_result };
	char *text = print(detail);
	int r;

	message.import_result = (struct message_import_result){
		.call = call, .outcome = (uint8_t)outcome, .application = (uint64_t)application, .detail = text ? text : "[]",
	};
	r = turn_send(queue, queue->peers[PROGRAM_API].ipc, &message);
	free(text);
	return r;
}

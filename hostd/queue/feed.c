#include "hostd/queue/feed.h"
#include "hostd/queue/queue.h"

int
feed_add(struct queue *queue, const struct happening *h)
{
	int r = store_run(queue->store, QUEUE_event_add, "issiiidss", queue_now(queue), queue->actor, h->kind, h->application,
	    h->credential, h->token, queue->actor_bay, h->error, h->detail);

	if (r == 0)
		queue->event_seq = store_last_id(queue->store);
	return r;
}

void
feed_publish(struct queue *queue)
{
	struct peer *api = &queue->peers[PROGRAM_API];
	struct message message = { .type = MESSAGE_feed };

	if (queue->event_seq == queue->event_told || !api->ipc)
		return;
	queue->event_told = queue->event_seq;
	message.feed.seq = (uint64_t)queue->event_seq;
	ipc_send(api->ipc, &message, -1);
}

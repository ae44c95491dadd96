#include "tools/vtoken/work.h"

#include "schemas/errors.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
	struct work_item *first, **last;
};

struct work {
	pthread_mutex_t lock;
	pthread_cond_t wanted, finished;
	struct queue waiting, over;
	unsigned running, thread_count;
	bool stopping, idle;
	int wake; /* eventfd: something is over */
	struct event *event;
	pthread_t threads[];
};

static void
enqueue(struct queue *queue, struct work_item *item)
{
	item->next = NULL;
	*queue->last = item;
	queue->last = &item->next;
}

static struct work_item *
dequeue(struct queue *queue)
{
	struct work_item *item = queue->first;

	queue->first = item->next;
	if (!queue->first)
		queue->last = &queue->first;
	return item;
}

/* Takes an item out of the middle. */
static void
unlink_item(struct queue *queue, struct work_item *wanted)
{
	struct work_item **link = &queue->first;

	while (*link != wanted)
		link = &(*link)->next;
	*link = wanted->next;
	if (!*link)
		queue->last = link;
}

static void
set_idle(void)
{
	struct sched_param none = { 0 };

	pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
}

static void *
thread_main(void *argument)
{
	struct work *work = argument;
	struct work_item *item;
	uint64_t one = 1;

	if (work->idle)
		set_idle();
	pthread_mutex_lock(&work->lock);
	for (;;) {
		while (!work->waiting.first && !work->stopping)
			pthread_cond_wait(&work->wanted, &work->lock);
		if (work->stopping)
			break;
		item = dequeue(&work->waiting);
		work->running++;
		pthread_mutex_unlock(&work->lock);
		item->run(item);
		pthread_mutex_lock(&work->lock);
		work->running--;
		item->over = true;
		enqueue(&work->over, item);
		pthread_cond_broadcast(&work->finished);
		if (write(work->wake, &one, sizeof one) < 0)
			break; /* cannot happen: the counter never comes near its end */
	}
	pthread_mutex_unlock(&work->lock);
	return NULL;
}

static void
on_wake(evutil_socket_t fd, short what, void *argument)
{
	struct work *work = argument;
	struct work_item *item;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof count) < 0)
		return;
	pthread_mutex_lock(&work->lock);
	while (work->over.first) {
		item = dequeue(&work->over);
		pthread_mutex_unlock(&work->lock);
		item->done(item);
		pthread_mutex_lock(&work->lock);
	}
	pthread_mutex_unlock(&work->lock);
}

/* Signals stay with the main thread, where the loop waits for them. */
static int
start_threads(struct work *work, unsigned threads)
{
	sigset_t all, before;
	int failed = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (work->thread_count < threads && !failed) {
		failed = pthread_create(&work->threads[work->thread_count], NULL, thread_main, work);
		work->thread_count += !failed;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? MINT_SYSTEM : 0;
}

int
work_new(struct work **work, struct event_base *base, unsigned threads, bool idle)
{
	struct work *made = calloc(1, sizeof *made + threads * sizeof made->threads[0]);
	int error = MINT_SYSTEM;

	*work = NULL;
	if (!made)
		return MINT_MEMORY;
	made->idle = idle;
	made->waiting.last = &made->waiting.first;
	made->over.last = &made->over.first;
	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->wanted, NULL);
	pthread_cond_init(&made->finished, NULL);
	made->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made->wake >= 0)
		made->event = event_new(base, made->wake, EV_READ | EV_PERSIST, on_wake, made);
	if (made->event && event_add(made->event, NULL) == 0)
		error = start_threads(made, threads);
	if (error)
		work_free(&made);
	*work = made;
	return error;
}

void
work_submit(struct work *work, struct work_item *item)
{
	pthread_mutex_lock(&work->lock);
	item->over = false;
	enqueue(&work->waiting, item);
	pthread_cond_signal(&work->wanted);
	pthread_mutex_unlock(&work->lock);
}

void
work_wait(struct work *work, struct work_item *item)
{
	pthread_mutex_lock(&work->lock);
	while (!item->over)
		pthread_cond_wait(&work->finished, &work->lock);
	unlink_item(&work->over, item);
	pthread_mutex_unlock(&work->lock);
	item->done(item);
}

bool
work_busy(struct work *work)
{
	bool busy;

	pthread_mutex_lock(&work->lock);
	busy = work->running || work->waiting.first;
	pthread_mutex_unlock(&work->lock);
	return busy;
}

void
work_free(struct work **work)
{
	struct work *old = *work;

	*work = NULL;
	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->stopping = true;
	pthread_cond_broadcast(&old->wanted);
	pthread_mutex_unlock(&old->lock);
	while (old->thread_count)
		pthread_join(old->threads[--old->thread_count], NULL);
	if (old->event)
		event_free(old->event);
	if (old->wake >= 0)
		close(old->wake);
	pthread_cond_destroy(&old->wanted);
	pthread_cond_destroy(&old->finished);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

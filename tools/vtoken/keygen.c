#include "tools/vtoken/keygen.h"

#include "schemas/errors.h"
#include "tools/vtoken/work.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 4

struct keygen {
	struct work *work, *filling;
	struct pool *pool;
	size_t target;
	struct work_item fill;
	bool fill_submitted, fill_again;
};

struct keygen_order {
	struct work_item item; /* first: the item is the order */
	struct keygen *keygen;
	enum key_type type;
	unsigned bits;
	keygen_receiver *receiver; /* NULL: forgotten */
	void *argument;
	struct key *key;
	const char *source;
};

/* Adds one key where the pool is short, so that the thread never runs for long between two looks at the others. */
static void
run_fill(struct work_item *item)
{
	struct keygen *keygen = (struct keygen *)((char *)item - offsetof(struct keygen, fill));
	const struct pool_type *type;

	keygen->fill_again = false;
	for (size_t n = 0; (type = pool_type(n)); n++)
		if (pool_count(keygen->pool, type) < keygen->target)
			keygen->fill_again |= pool_add(keygen->pool, type) == 0;
}

static void
submit_fill(struct keygen *keygen)
{
	if (!keygen->pool || keygen->target == 0 || keygen->fill_submitted)
		return;
	keygen->fill_submitted = true;
	work_submit(keygen->filling, &keygen->fill);
}

static void
done_fill(struct work_item *item)
{
	struct keygen *keygen = (struct keygen *)((char *)item - offsetof(struct keygen, fill));

	keygen->fill_submitted = false;
	if (keygen->fill_again)
		submit_fill(keygen);
}

static unsigned
processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

int
keygen_new(struct keygen **keygen, struct event_base *base, const char *pool_path, size_t target)
{
	struct keygen *made = calloc(1, sizeof *made);
	int error;

	*keygen = NULL;
	if (!made)
		return MINT_MEMORY;
	made->target = target;
	made->fill.run = run_fill;
	made->fill.done = done_fill;
	error = work_new(&made->work, base, processors(), false);
	if (!error && pool_path)
		error = pool_open(&made->pool, pool_path);
	if (!error && pool_path)
		error = work_new(&made->filling, base, 1, true);
	if (error)
		keygen_free(&made);
	else
		submit_fill(made);
	*keygen = made;
	return error;
}

void
keygen_free(struct keygen **keygen)
{
	if (*keygen) {
		work_free(&(*keygen)->work);
		work_free(&(*keygen)->filling);
		pool_close(&(*keygen)->pool);
		free(*keygen);
	}
	*keygen = NULL;
}

static void
run_order(struct work_item *item)
{
	struct keygen_order *order = (struct keygen_order *)item;
	const struct pool_type *kept = pool_type_of(order->type, order->bits);

	order->source = "pool";
	if (order->keygen->pool && kept && pool_take(order->keygen->pool, kept, &order->key) == 0)
		return;
	order->source = "made";
	if (key_generate(&order->key, order->type, order->bits))
		order->key = NULL;
}

static void
done_order(struct work_item *item)
{
	struct keygen_order *order = (struct keygen_order *)item;

	submit_fill(order->keygen);
	if (order->receiver)
		order->receiver(order->argument, order->key, order->source);
	else
		key_free(&order->key);
	free(order);
}

struct keygen_order *
keygen_ask(struct keygen *keygen, enum key_type type, unsigned bits, keygen_receiver *receiver, void *argument)
{
	struct keygen_order *order = calloc(1, sizeof *order);

	if (!order)
		return NULL;
	order->item.run = run_order;
	order->item.done = done_order;
	order->keygen = keygen;
	order->type = type;
	order->bits = bits;
	order->receiver = receiver;
	order->argument = argument;
	work_submit(keygen->work, &order->item);
	return order;
}

void
keygen_forget(struct keygen_order **order)
{
	if (*order)
		(*order)->receiver = NULL;
	*order = NULL;
}

bool
keygen_busy(struct keygen *keygen)
{
	return work_busy(keygen->work) || (keygen->filling && work_busy(keygen->filling));
}

struct filler {
	struct pool *pool;
	const struct pool_type *type;
	pthread_mutex_t lock;
	size_t left;
	int error;
};

static void *
fill_main(void *argument)
{
	struct filler *filler = argument;
	int error = 0;

	pthread_mutex_lock(&filler->lock);
	while (filler->left && !filler->error) {
		filler->left--;
		pthread_mutex_unlock(&filler->lock);
		error = pool_add(filler->pool, filler->type);
		pthread_mutex_lock(&filler->lock);
		if (error)
			filler->error = error;
	}
	pthread_mutex_unlock(&filler->lock);
	return NULL;
}

int
keygen_fill(struct pool *pool, const struct pool_type *type, size_t wanted, unsigned threads)
{
	size_t have = pool_count(pool, type);
	struct filler filler = { .pool = pool, .type = type, .left = wanted > have ? wanted - have : 0 };
	pthread_t others[THREADS_MAX];
	unsigned started = 0;

	pthread_mutex_init(&filler.lock, NULL);
	while (started + 1 < threads && started < THREADS_MAX &&
	       pthread_create(&others[started], NULL, fill_main, &filler) == 0)
		started++;
	fill_main(&filler);
	while (started)
		pthread_join(others[--started], NULL);
	pthread_mutex_destroy(&filler.lock);
	return filler.error;
}

/* A channel between two programs: one message a packet over a SOCK_SEQPACKET socket pair, descriptors may travel along.
 *
 * Two ways of use on the same wire:
 *   ipc_read / ipc_write     blocking, for programs that do one thing after the other (mint-worker)
 *   struct ipc               on a libevent loop, never blocking, packets queued while the peer is slow
 * A peer that breaks the protocol is logged and its channel closed: the supervisor restarts whoever exits over it.
 */
#ifndef MINT_BASE_IPC_H
#define MINT_BASE_IPC_H

#include "schemas/messages.h"

struct event_base;
struct ipc;

enum { IPC_PARENT_FD = 3 }; /* where every program finds the channel it was started with */

/* A connected pair, close-on-exec. fds[0] for the one, fds[1] for the other. 0 or MINT_SYSTEM. */
int ipc_pair(int fds[2]);

/* Blocks until one message is there. *passed_fd (may be NULL: a descriptor is then closed) becomes the caller's, −1 when none
 * came. Free with message_clear. MINT_CLOSED when the peer is gone, MINT_PROTOCOL, MINT_SYSTEM. */
int ipc_read(int fd, struct message *message, int *passed_fd);

/* Blocks until the packet is with the kernel. passed_fd −1 for none; it stays the caller's. MINT_CLOSED, MINT_PROTOCOL. */
int ipc_write(int fd, const struct message *message, int passed_fd);

/* What the loop calls: for each message (passed_fd is the handler's to close, −1 when none; the message is cleared afterwards),
 * and once with NULL when the channel is gone; the handler may free the channel in either call. */
typedef void ipc_handler(struct ipc *ipc, const struct message *message, int passed_fd, void *argument);

/* Takes the descriptor over and makes it non-blocking. NULL when out of memory (the descriptor is closed then as well). */
struct ipc *ipc_new(struct event_base *base, int fd, ipc_handler *handler, void *argument);
void ipc_free(struct ipc **ipc);

/* Queues a packet without sending: nothing leaves before ipc_flush. mint-queue flushes after its commit (law 1).
 * passed_fd is closed by the channel once it has been sent. 0, MINT_PROTOCOL (a bug of the caller's), MINT_MEMORY. */
int ipc_queue(struct ipc *ipc, const struct message *message, int passed_fd);

/* Sends what is queued, as far as the peer takes it; the loop sends the rest. */
void ipc_flush(struct ipc *ipc);

/* ipc_queue and ipc_flush. */
int ipc_send(struct ipc *ipc, const struct message *message, int passed_fd);

/* The first message on a channel. */
int ipc_hello(struct ipc *ipc, enum program program);

/* 0 when `message` is a hello of our version, else MINT_PROTOCOL after a log line that says which side is older. */
int ipc_check_hello(const struct message *message);

#endif

/* mint-ca as a service: mint-queue's questions on descriptor 3 (schemas/messages.def, "queue and ca"), answers in the same order. */
#ifndef MINT_CA_SERVICE_H
#define MINT_CA_SERVICE_H

/* The whole of main without a subcommand; returns the exit status. */
int service_main(int argc, char **argv);

#endif

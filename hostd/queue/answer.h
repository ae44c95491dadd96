/* Answers to mint-api: JSON objects in the `detail` of a result. */
#ifndef MINT_QUEUE_ANSWER_H
#define MINT_QUEUE_ANSWER_H

#include <jansson.h>
#include <stdint.h>

struct queue;

/* What a command answers with: error and, in `detail`, an object that this call frees. NULL when there is nothing to say. */
int answer_command(struct queue *queue, uint64_t call, int error, json_t *detail);

/* enum import_outcome; `detail` as above, any JSON value. */
int answer_import(struct queue *queue, uint64_t call, int outcome, int64_t application, json_t *detail);

#endif

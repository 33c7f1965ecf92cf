/*
 * The one thread that writes: jobs wait in a queue, and are run and committed in groups. Private to
 * store/.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/gather.h"
#include "store/store.h"

struct store_writer {
	size_t queue_max;
	atomic_uint_least64_t rights; /* see store_rights_version() */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;  /* the thread: as many jobs as it wants, or the end */
	size_t wanted;        /* jobs in the queue that it is woken for */
	struct store_job *first, **last;
	struct store_stats stats;
	bool running, stopping;
	bool awake;       /* the thread has taken jobs */
	pthread_t thread; /* while running */
	int64_t began_ms; /* the group under way; 0: none */
	int64_t job_us;   /* a job's share of its group, of late */

	/* the thread's alone, while there is one */
	struct store_tx *tx; /* the caller's, set before the first job */
	struct store_gather gather;
	int settled_pages; /* of the WAL, when a checkpoint was last tried */
};

/* All zeroes before; queue_max 0: a default. */
void store_writer_init(struct store_writer *writer, size_t queue_max);

/* As store_submit() has it. The thread starts with the first job. */
int store_writer_submit(struct store_writer *writer, struct store_job *job);

/* As store_admits() and store_expire() have it. */
int store_writer_admits(struct store_writer *writer, int64_t deadline_ms);
void store_writer_expire(struct store_writer *writer);

void store_writer_stats(struct store_writer *writer, struct store_stats *out);

/* Run what waits, take no more, and end the thread. */
void store_writer_stop(struct store_writer *writer);

void store_writer_destroy(struct store_writer *writer);

#endif

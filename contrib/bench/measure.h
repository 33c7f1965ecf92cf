/* What is measured beside the requests: bare signatures, another process's CPU time and memory. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* CPU milliseconds of one RSA-2048 PKCS#1 v1.5 SHA-256 signature. */
struct bench_bare {
	double libcrypto_ms; /* in one thread, the fastest of several rounds */
	double gnutls_ms;
	double busy_ms; /* libcrypto's in as many threads as there are processors, the median round:
			   two that share a core slow each other down */
};

/* 0, or -1 after a message. */
int bench_bare_signatures(struct bench_bare *out);

/* The faster of the two. */
double bench_bare_fastest(const struct bench_bare *bare);

int64_t bench_now_ns(void); /* CLOCK_MONOTONIC */

/* Nanoseconds of CPU that process pid has used, all its threads, those that ended too; -1: no such
 * process. */
int64_t bench_process_cpu_ns(pid_t pid);

int64_t bench_own_cpu_ns(void); /* the same of this process */

struct bench_memory {
	double rss_mb,
	    anon_mb; /* VmRSS and RssAnon, in units of 2^20 octets; negative when unknown */
};

void bench_process_memory(pid_t pid, struct bench_memory *out);

/* The value that a share of the sorted values does not exceed, 0 when there are none. */
int64_t bench_percentile(const int64_t *sorted, size_t n, double share);

void bench_sort(int64_t *v, size_t n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 * How much of something at a time: token buckets (RFC 2697's, in time instead of tokens).
 *
 * A bucket is the time at which it is full again. What is taken moves that time on by a share of a second, and it never lies further ahead than the
 * burst takes to come back; so a bucket may be used with a rate that changes. No lock: it lies under that of whose it is. */
#ifndef OTTER_RATES_H
#define OTTER_RATES_H

#include <stdint.h>

struct otter_rate {
	int64_t per_second, burst; /* in the long run, and at once */
};

struct otter_bucket {
	int64_t full_us; /* monotonic; zero: full */
};

/* Take one at `now_ms` (monotonic): 0. Or, if there is none, in how many ms there will be; then nothing is taken. */
int64_t otter_bucket_take(struct otter_bucket *bucket, struct otter_rate rate, int64_t now_ms);

/* The same for `n` of them, which are no more than the burst. */
int64_t otter_bucket_take_many(struct otter_bucket *bucket, struct otter_rate rate, unsigned n, int64_t now_ms);

/* Take one of each, or of neither: then the longer time. */
int64_t otter_bucket_take_both(struct otter_bucket *one, struct otter_bucket *other, struct otter_rate rate, int64_t now_ms);

#define OTTER_SIGNALS_PER_SECOND 20 /* from one participant to one other */
#define OTTER_SIGNALS_BURST 60

/* Signals from one participant to one other; and what one of them sets in the room. */
struct otter_rate otter_rate_of_pair(void);

/* Shared values that one room tells those whom it welcomes. */
struct otter_rate otter_rate_of_told(void);

/* Requests of all kinds by one connection, and by one participant with so many others in the room. */
struct otter_rate otter_rate_of_requests(unsigned others);

/* Requests beyond that are refused, and these are counted: who goes beyond this rate of refusals does not listen. */
struct otter_rate otter_rate_of_refusals(unsigned others);

#endif

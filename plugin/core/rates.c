/* SPDX-License-Identifier: GPL-3.0-or-later
 * Token buckets, and the rates of signaling. */
#include "rates.h"

#include <glib.h>

#define REQUESTS_PER_SECOND 30
#define REQUESTS_PER_SECOND_FOR_ANOTHER 20
#define TOLD_PER_SECOND 256
#define TOLD_BURST 2048      /* eight who load their pages again four times, where a room shares all that it may */
#define REQUESTS_BURST_S 4   /* what comes in so many seconds may come at once */
#define REFUSALS_IN_BURSTS 4 /* so many bursts of refusals in a row: no person and no clumsy page does that */

int64_t otter_bucket_take(struct otter_bucket *bucket, struct otter_rate rate, int64_t now_ms)
{
	return otter_bucket_take_many(bucket, rate, 1, now_ms);
}

int64_t otter_bucket_take_many(struct otter_bucket *bucket, struct otter_rate rate, unsigned n, int64_t now_ms)
{
	int64_t now_us = now_ms * 1000, one_us = G_USEC_PER_SEC / rate.per_second;
	int64_t full_us = MAX(bucket->full_us, now_us) + n * one_us;
	int64_t over_us = full_us - now_us - rate.burst * one_us;
	if (over_us > 0)
		return (over_us + 999) / 1000;
	bucket->full_us = full_us;
	return 0;
}

int64_t otter_bucket_take_both(struct otter_bucket *one, struct otter_bucket *other, struct otter_rate rate, int64_t now_ms)
{
	struct otter_bucket one_less = *one, other_less = *other;
	int64_t one_ms = otter_bucket_take(&one_less, rate, now_ms), other_ms = otter_bucket_take(&other_less, rate, now_ms);
	if (one_ms == 0 && other_ms == 0) {
		*one = one_less;
		*other = other_less;
	}
	return MAX(one_ms, other_ms);
}

struct otter_rate otter_rate_of_pair(void)
{
	return (struct otter_rate){ OTTER_SIGNALS_PER_SECOND, OTTER_SIGNALS_BURST };
}

struct otter_rate otter_rate_of_told(void)
{
	return (struct otter_rate){ TOLD_PER_SECOND, TOLD_BURST };
}

struct otter_rate otter_rate_of_requests(unsigned others)
{
	int64_t per_second = REQUESTS_PER_SECOND + REQUESTS_PER_SECOND_FOR_ANOTHER * (int64_t)others;
	return (struct otter_rate){ per_second, REQUESTS_BURST_S * per_second };
}

struct otter_rate otter_rate_of_refusals(unsigned others)
{
	struct otter_rate rate = otter_rate_of_requests(others);
	return (struct otter_rate){ rate.per_second, REFUSALS_IN_BURSTS * rate.burst };
}

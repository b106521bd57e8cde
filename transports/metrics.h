/* SPDX-License-Identifier: GPL-3.0-or-later
 * GET /metrics, in the text form of Prometheus. */
#ifndef OTTER_METRICS_H
#define OTTER_METRICS_H

#include "call.h"

void otter_metrics(const struct otter_call *c);

#endif

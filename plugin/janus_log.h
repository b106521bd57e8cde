/* SPDX-License-Identifier: GPL-3.0-or-later
 * The surroundings of the core inside Janus: its log. Time and randomness are the system's. */
#ifndef OTTER_JANUS_LOG_H
#define OTTER_JANUS_LOG_H

#include "core/env.h"

#include <janus/debug.h>

/* Static. */
const struct otter_env *otter_env_janus(void);

#endif

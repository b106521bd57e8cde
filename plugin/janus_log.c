/* SPDX-License-Identifier: GPL-3.0-or-later
 * The surroundings of the core inside Janus. */
#include "janus_log.h"

#include <glib.h>

static void janus_line(void *arg, enum otter_level level, const char *line)
{
	(void)arg;
	switch (level) {
	case OTTER_LOG_ERROR:
		JANUS_LOG(LOG_ERR, "[otter] %s\n", line);
		break;
	case OTTER_LOG_WARNING:
		JANUS_LOG(LOG_WARN, "[otter] %s\n", line);
		break;
	case OTTER_LOG_INFO:
		JANUS_LOG(LOG_INFO, "[otter] %s\n", line);
		break;
	case OTTER_LOG_DEBUG:
		JANUS_LOG(LOG_VERB, "[otter] %s\n", line);
		break;
	}
}

const struct otter_env *otter_env_janus(void)
{
	static struct otter_env env;
	static gsize once;
	if (g_once_init_enter(&once)) {
		env = *otter_env_system();
		env.log = janus_line;
		g_once_init_leave(&once, 1);
	}
	return &env;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 * janus.plugin.otter.jcfg: the configuration of the core (conf/janus.plugin.otter.jcfg.sample says what each key means). */
#ifndef OTTER_PLUGIN_CONFIG_H
#define OTTER_PLUGIN_CONFIG_H

#include "core/otter.h"

#include <glib.h>
#include <janus/config.h>

typedef struct otter_plugin_config {
	struct otter_config core; /* borrows from file and what is below */
	struct otter_turn_server *servers;
	char **allowed_origins, **trusted_proxies;
	janus_config *file;
} otter_plugin_config;

/* Read config_path/janus.plugin.otter.jcfg. An unknown key is a warning, a bad value an error that names it. NULL with the reason. */
otter_plugin_config *otter_plugin_config_load(const char *config_path, struct otter_error *e);
void otter_plugin_config_free(otter_plugin_config *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(otter_plugin_config, otter_plugin_config_free)

#endif

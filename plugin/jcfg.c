/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading a .jcfg of ours into a struct. */
#include "jcfg.h"

#include <glib.h>
#include <inttypes.h>
#include <janus/debug.h>
#include <string.h>

janus_config *otter_jcfg_open(const char *folder, const char *package, struct otter_error *e)
{
	g_autofree char *path = g_strdup_printf("%s/%s.jcfg", folder, package);
	janus_config *file = janus_config_parse(path);
	if (file == NULL)
		otter_fail(e, OTTER_UNAVAILABLE, "cannot read %s: copy %s.jcfg.sample there and adapt it.", path, package);
	return file;
}

static enum otter_err read_key(const janus_config_item *item, const struct otter_jcfg_key *key, void *slot, struct otter_error *e)
{
	char *end = NULL;
	int64_t n;
	switch (key->type) {
	case OTTER_JCFG_TEXT:
		*(const char **)slot = item->value;
		return OTTER_OK;
	case OTTER_JCFG_NUMBER:
		n = g_ascii_strtoll(item->value, &end, 10);
		if (end == item->value || *end != '\0' || n < key->min || n > key->max)
			return otter_fail(e, OTTER_INVALID_REQUEST, "%s.%s is '%s': write a number from %" PRId64 " to %" PRId64 ".", key->category, key->name,
				item->value, key->min, key->max);
		*(int64_t *)slot = n;
		return OTTER_OK;
	case OTTER_JCFG_OTHER:
		return OTTER_OK;
	}
	return OTTER_OK;
}

static bool known(const struct otter_jcfg_key *keys, const char *category, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (g_strcmp0(keys->category, category) == 0 && (name == NULL || strcmp(keys->name, name) == 0))
			return true;
	return false;
}

static void warn_unknown_in(janus_config_category *category, GList *entries, const struct otter_jcfg_key *keys)
{
	for (GList *l = entries; l != NULL; l = l->next)
		if (!known(keys, category->name, ((janus_config_container *)l->data)->name))
			JANUS_LOG(LOG_WARN, "[otter] unknown key '%s.%s' in the configuration: ignored\n", category->name,
				((janus_config_container *)l->data)->name);
}

static void warn_unknown(janus_config *file, const struct otter_jcfg_key *keys)
{
	g_autoptr(GList) categories = janus_config_get_categories(file, NULL);
	for (GList *l = categories; l != NULL; l = l->next) {
		janus_config_category *category = l->data;
		if (!known(keys, category->name, NULL)) {
			JANUS_LOG(LOG_WARN, "[otter] unknown section '%s' in the configuration: ignored\n", category->name);
			continue;
		}
		g_autoptr(GList) items = janus_config_get_items(file, category);
		g_autoptr(GList) arrays = janus_config_get_arrays(file, category);
		warn_unknown_in(category, items, keys);
		warn_unknown_in(category, arrays, keys);
	}
}

enum otter_err otter_jcfg_read(janus_config *file, const struct otter_jcfg_key *keys, void *out, struct otter_error *e)
{
	warn_unknown(file, keys);
	for (const struct otter_jcfg_key *key = keys; key->name != NULL; key++) {
		janus_config_category *category = janus_config_get(file, NULL, janus_config_type_category, key->category);
		janus_config_item *item = category != NULL ? janus_config_get(file, category, janus_config_type_item, key->name) : NULL;
		enum otter_err err = item != NULL && item->value != NULL ? read_key(item, key, (char *)out + key->offset, e) : OTTER_OK;
		if (err != OTTER_OK)
			return err;
	}
	return OTTER_OK;
}

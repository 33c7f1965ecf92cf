#include <stdbool.h>
#include <string.h>

#include "api/server/policy_difference.h"

static int add(json_t *difference, const char *list, const char *name)
{
	return json_array_append_new(json_object_get(difference, list), json_string(name));
}

static json_t *empty(void)
{
	return json_pack("{s:[], s:[], s:[]}", "added", "changed", "removed");
}

/* Of two objects, by their keys. */
static json_t *between(json_t *from, json_t *to)
{
	json_t *difference = empty(), *value;
	const char *key;
	int failed = difference ? 0 : -1;

	json_object_foreach(to, key, value)
	{
		const json_t *old = json_object_get(from, key);

		if (!failed && (!old || !json_equal(old, value)))
			failed = add(difference, old ? "changed" : "added", key);
	}
	json_object_foreach(from, key, value)
	{
		if (!failed && !json_object_get(to, key))
			failed = add(difference, "removed", key);
	}
	if (!failed)
		return difference;
	json_decref(difference);
	return NULL;
}

/* The rules as an object, by their names. */
static json_t *by_name(const json_t *rules)
{
	json_t *object = json_object(), *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
	{
		if (object && json_object_set(
				  object, json_string_value(json_object_get(rule, "name")), rule)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Do the keys that both have come in another order? */
static bool reordered(json_t *from, json_t *to)
{
	void *at = json_object_iter(from);
	json_t *value;
	const char *key;

	json_object_foreach(to, key, value)
	{
		if (!json_object_get(from, key))
			continue;
		while (at && !json_object_get(to, json_object_iter_key(at)))
			at = json_object_iter_next(from, at);
		if (!at || strcmp(json_object_iter_key(at), key) != 0)
			return true;
		at = json_object_iter_next(from, at);
	}
	return false;
}

static json_t *between_rules(const json_t *from, const json_t *to)
{
	json_t *old = by_name(from), *new = by_name(to);
	json_t *difference = old && new ? between(old, new) : NULL;

	if (difference &&
	    json_object_set_new(difference, "reordered", json_boolean(reordered(old, new)))) {
		json_decref(difference);
		difference = NULL;
	}
	json_decref(old);
	json_decref(new);
	return difference;
}

json_t *server_policy_difference(json_t *from, json_t *to)
{
	return json_pack("{s:o, s:o}", "profiles",
	    between(json_object_get(from, "profiles"), json_object_get(to, "profiles")), "rules",
	    between_rules(json_object_get(from, "rules"), json_object_get(to, "rules")));
}

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/pattern.h"
#include "ca/range.h"
#include "ca/spiffe.h"

#define GLOB_MAX 1024 /* octets of a glob from its first star to its last */
#define CLAIM_NAME_MAX 64
#define COMPARISON 64 /* steps of one that has no star in it */

/* What a claim may bring into a name (ca/rule.c); anything else ends where it stands. */
static const char claim_octets[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/* ---- globs ---- */

bool ca_effort_take(size_t *effort, size_t steps)
{
	if (!effort)
		return true;
	*effort = steps < *effort ? *effort - steps : 0;
	return *effort > 0;
}

/*
 * One octet more of the text: at[i] says whether the text so far fits the glob's first i octets. A
 * star stays for any octet but the separator; one of a pair for that, too.
 */
static bool step(const char *glob, size_t len, char c, char separator, bool *at)
{
	bool any = false;

	for (size_t i = len + 1; i-- > 0;) {
		bool star = i < len && glob[i] == '*';
		bool pair = star && (glob[i + 1] == '*' || (i > 0 && glob[i - 1] == '*'));

		at[i] = (at[i] && star && (pair || c != separator)) ||
			(i > 0 && at[i - 1] && glob[i - 1] != '*' && glob[i - 1] == c);
	}
	for (size_t i = 0; i < len; i++) {
		any |= at[i];
		if (at[i] && glob[i] == '*')
			at[i + 1] = true;
	}
	return any || at[len];
}

/* glob begins and ends with a star. */
static bool match_stars(
    const char *glob, size_t glob_len, const char *text, size_t len, char separator, size_t *effort)
{
	bool at[GLOB_MAX + 1] = { true };

	if (glob_len > GLOB_MAX || !ca_effort_take(effort, (glob_len + 1) * len))
		return false;
	for (size_t i = 0; i < glob_len && glob[i] == '*'; i++)
		at[i + 1] = true;
	for (size_t i = 0; i < len; i++)
		if (!step(glob, glob_len, text[i], separator, at))
			return false;
	return at[glob_len];
}

/* What stands before the first star and behind the last is compared as it is. */
static bool match_glob(const char *glob, const char *text, char separator, size_t *effort)
{
	const char *tail;
	size_t tail_len, len;

	if (!ca_effort_take(effort, COMPARISON))
		return false;
	for (; *glob && *glob != '*'; glob++, text++)
		if (*glob != *text)
			return false;
	if (!*glob)
		return !*text;
	tail = strrchr(glob, '*') + 1;
	tail_len = strlen(tail);
	len = strlen(text);
	if (len < tail_len || memcmp(text + len - tail_len, tail, tail_len) != 0)
		return false;
	return match_stars(glob, (size_t)(tail - glob), text, len - tail_len, separator, effort);
}

bool ca_glob_match_within(const char *glob, const char *text, size_t *effort)
{
	return match_glob(glob, text, '\0', effort);
}

bool ca_glob_match(const char *glob, const char *text)
{
	return ca_glob_match_within(glob, text, NULL);
}

/* ---- checking a pattern ---- */

/* A pattern being read, and the name that it is with a letter for every star and placeholder. */
struct reader {
	enum ca_name_type type;
	const char *text;
	bool placeholders;
	size_t literal; /* up to here, nothing but itself may stand (URI: scheme and authority) */
	char last;      /* '*' or '{' when one stands in front with nothing between that ends a
			   claim; else 0 */
	char probe[CA_PATTERN_LENGTH_MAX + 1]; /* never longer than the pattern */
	size_t probe_len;
};

static int refuse(const struct reader *reader, const char *fault, struct ca_detail *why)
{
	return ca_refuse(why, CA_ENAME, "%s, in the %s pattern %.100s", fault,
	    ca_name_type_text(reader->type), reader->text);
}

/* Where one ends and the next begins must be plain, or one identity could be read as another:
 * {ns}-{sa} of a-b and c is that of a and b-c; {sa}-* of a covers the names of a-b. */
static int put_letter(struct reader *reader, size_t i, char kind, struct ca_detail *why)
{
	if (i < reader->literal)
		return refuse(reader, "a star or placeholder where none may stand", why);
	if (reader->last == '{' || (reader->last && kind == '{'))
		return refuse(reader,
		    "a placeholder beside another or a star, with nothing but letters, digits, - "
		    "and _ between",
		    why);
	reader->last = kind;
	reader->probe[reader->probe_len++] = 'x';
	return 0;
}

static int read_stars(struct reader *reader, size_t *i, struct ca_detail *why)
{
	size_t n = strspn(reader->text + *i, "*");
	char next = reader->text[*i + n];
	bool deep =
	    n == 2 && (reader->type == CA_NAME_URI ||
			  (reader->type == CA_NAME_DNS && *i == 0 && (!next || next == '.')));
	int r;

	if (n > 1 && !deep)
		return refuse(reader, "two stars where one must stand", why);
	r = put_letter(reader, *i, '*', why);
	*i += n;
	return r;
}

static int read_placeholder(struct reader *reader, size_t *i, struct ca_detail *why)
{
	const char *name = reader->text + *i + 1;
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	int r;

	if (!reader->placeholders)
		return refuse(reader, "a placeholder outside of a rule", why);
	if (n == 0 || n > CLAIM_NAME_MAX || name[n] != '}')
		return refuse(reader, "a placeholder that is none: {claim} of a-z, 0-9 and _", why);
	r = put_letter(reader, *i, '{', why);
	*i += n + 2;
	return r;
}

static int read_pattern(struct reader *reader, struct ca_detail *why)
{
	int r = 0;

	for (size_t i = 0; reader->text[i] && !r;) {
		char c = reader->text[i];

		if (c == '*') {
			r = read_stars(reader, &i, why);
		} else if (c == '{') {
			r = read_placeholder(reader, &i, why);
		} else if (c == '}') {
			r = refuse(reader, "a } without its {", why);
		} else {
			if (reader->last && !strchr(claim_octets, c))
				reader->last = 0;
			if (c == '@' && reader->type == CA_NAME_EMAIL)
				reader->literal = SIZE_MAX;
			reader->probe[reader->probe_len++] = c;
			i++;
		}
	}
	return r;
}

/* Octets of scheme, authority and the slash behind them. */
static size_t uri_literal(const char *uri)
{
	const char *host = strstr(uri, "://");
	size_t len;

	if (!host)
		return SIZE_MAX;
	host += 3;
	len = strcspn(host, "/?#");
	return host[len] == '/' ? (size_t)(host - uri) + len + 1 : SIZE_MAX;
}

static int check_form(
    enum ca_name_type type, const char *text, bool placeholders, struct ca_detail *why)
{
	struct reader reader = { .type = type, .text = text, .placeholders = placeholders };
	struct ca_names names = CA_NAMES_INIT;
	int r;

	if (type == CA_NAME_URI)
		reader.literal = uri_literal(text);
	r = read_pattern(&reader, why);
	if (r)
		return r;
	r = ca_names_add(&names, type, reader.probe, reader.probe_len, NULL);
	if (r == CA_ENAME)
		r = refuse(&reader, "malformed", why);
	if (!r && type == CA_NAME_URI && ca_spiffe_is_id(names.v[0].value))
		r = ca_spiffe_id_check(names.v[0].value, why);
	ca_names_free(&names);
	return r;
}

/* As ca_names_add() spells names; placeholders are lower case already. */
static void spell(enum ca_name_type type, char *text)
{
	size_t from = 0, to = strlen(text);

	if (type == CA_NAME_DNS && to && text[to - 1] == '.')
		text[--to] = '\0';
	if (type == CA_NAME_URI)
		to = (size_t)(strstr(text, "://") - text) + 3 +
		     strcspn(strstr(text, "://") + 3, "/?#");
	if (type == CA_NAME_EMAIL) {
		from = (size_t)(strrchr(text, '@') - text);
		if (text[to - 1] == '.')
			text[--to] = '\0';
	}
	for (size_t i = from; i < to; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] - 'A' + 'a');
}

static int make_text(
    enum ca_name_type type, const char *text, bool placeholders, char **out, struct ca_detail *why)
{
	struct ca_buf range = CA_BUF_INIT;
	int r;

	if (type == CA_NAME_IP) {
		r = ca_range_spell(text, &range, why);
		if (!r)
			*out = strdup(ca_buf_text(&range));
		ca_buf_free(&range);
	} else {
		r = check_form(type, text, placeholders, why);
		if (!r)
			*out = strdup(text);
		if (!r && *out)
			spell(type, *out);
	}
	return r || *out ? r : CA_ENOMEM;
}

/* ---- lists ---- */

/* text is transferred, on failure freed. */
static int append(
    struct ca_patterns *patterns, enum ca_name_type type, char *text, struct ca_detail *why)
{
	struct ca_pattern *v = NULL;
	int r = 0;

	for (size_t i = 0; i < patterns->n; i++)
		if (patterns->v[i].type == type && strcmp(patterns->v[i].text, text) == 0)
			goto out;
	if (patterns->n == CA_PATTERNS_MAX) {
		r = ca_refuse(
		    why, CA_ETOOMANYNAMES, "more than %d patterns in a list", CA_PATTERNS_MAX);
		goto out;
	}
	v = reallocarray(patterns->v, patterns->n + 1, sizeof(*v));
	if (!v) {
		r = CA_ENOMEM;
		goto out;
	}
	patterns->v = v;
	patterns->v[patterns->n++] = (struct ca_pattern){ type, text };
	text = NULL; /* transferred */
out:
	free(text);
	return r;
}

int ca_patterns_add(struct ca_patterns *patterns, enum ca_name_type type, const char *text,
    size_t len, bool placeholders, struct ca_detail *why)
{
	char given[CA_PATTERN_LENGTH_MAX + 1];
	char *canonical = NULL;
	int r;

	if (len == 0 || len > CA_PATTERN_LENGTH_MAX || memchr(text, '\0', len))
		return ca_refuse(why, CA_ENAME, "a %s pattern must have 1 to %d octets",
		    ca_name_type_text(type), CA_PATTERN_LENGTH_MAX);
	memcpy(given, text, len);
	given[len] = '\0';
	r = make_text(type, given, placeholders, &canonical, why);
	return r ? r : append(patterns, type, canonical, why);
}

/* What one "*" or "{claim}" at text takes; 0: it is neither. */
static size_t variable(const char *text, bool placeholders)
{
	size_t n;

	if (*text == '*')
		return strspn(text, "*");
	if (*text != '{' || !placeholders)
		return 0;
	n = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return n && n <= CLAIM_NAME_MAX && text[1 + n] == '}' ? n + 2 : 0;
}

static int check_glob(const char *glob, bool placeholders, struct ca_detail *why)
{
	bool apart = true, filled = false; /* the last one is a placeholder */

	for (size_t i = 0; glob[i];) {
		size_t n = variable(glob + i, placeholders);

		if (glob[i] < ' ' || glob[i] > '~' || (!n && strchr("{}", glob[i])))
			return ca_refuse(why, CA_ENAME, "a glob of printable characters%s: %.100s",
			    placeholders ? ", with placeholders {claim}" : "", glob);
		if (n && !apart && (filled || glob[i] == '{'))
			return ca_refuse(why, CA_ENAME,
			    "a star or a placeholder too close to the one before it: %.100s", glob);
		if (n) {
			apart = false;
			filled = glob[i] == '{';
		} else if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", glob[i]))
			apart = true;
		i += n ? n : 1;
	}
	return 0;
}

int ca_patterns_add_glob(struct ca_patterns *patterns, const char *text, size_t len,
    bool placeholders, struct ca_detail *why)
{
	char *glob;
	int r;

	if (len == 0 || len > CA_GLOB_LENGTH_MAX || memchr(text, '\0', len))
		return ca_refuse(why, CA_ENAME, "a glob has 1 to %d octets", CA_GLOB_LENGTH_MAX);
	glob = strndup(text, len);
	if (!glob)
		return CA_ENOMEM;
	r = check_glob(glob, placeholders, why);
	if (!r)
		return append(patterns, CA_NAME_DNS, glob, why); /* transferred */
	free(glob);
	return r;
}

int ca_patterns_copy(const struct ca_patterns *patterns, struct ca_patterns *out)
{
	struct ca_patterns copy = { 0 };
	int r = 0;

	for (size_t i = 0; i < patterns->n && !r; i++) {
		char *text = strdup(patterns->v[i].text);

		r = text ? append(&copy, patterns->v[i].type, text, NULL) : CA_ENOMEM;
	}
	if (r)
		ca_patterns_free(&copy);
	else
		*out = copy; /* transferred */
	return r;
}

void ca_patterns_free(struct ca_patterns *patterns)
{
	if (!patterns)
		return;
	for (size_t i = 0; i < patterns->n; i++)
		free(patterns->v[i].text);
	free(patterns->v);
	*patterns = (struct ca_patterns){ 0 };
}

/* A path that its reader shortens (RFC 3986, section 5.2.4) or decodes is not what it looks like.
 */
static bool is_plain(const char *uri)
{
	for (const char *p = strstr(uri, "/."); p; p = strstr(p + 1, "/.")) {
		const char *end = p + 1 + strspn(p + 1, ".");

		if (end - p <= 3 && (!*end || strchr("/?#", *end)))
			return false;
	}
	return !strchr(uri, '%');
}

static bool match_uri(const char *pattern, const char *uri, size_t *effort)
{
	return strcmp(pattern, uri) == 0 ||
	       (is_plain(uri) && match_glob(pattern, uri, '/', effort));
}

static bool match(const struct ca_pattern *pattern, const struct ca_name *name, size_t *effort)
{
	switch (name->type) {
	case CA_NAME_DNS:
		return match_glob(pattern->text, name->value, '.', effort);
	case CA_NAME_IP:
		return ca_effort_take(effort, COMPARISON) &&
		       ca_range_match(pattern->text, name->value);
	case CA_NAME_URI:
		return match_uri(pattern->text, name->value, effort);
	case CA_NAME_EMAIL:
		return match_glob(pattern->text, name->value, '@', effort);
	}
	return false;
}

bool ca_patterns_match_within(
    const struct ca_patterns *patterns, const struct ca_name *name, size_t *effort)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (patterns->v[i].type == name->type && match(&patterns->v[i], name, effort))
			return true;
	return false;
}

bool ca_patterns_match(const struct ca_patterns *patterns, const struct ca_name *name)
{
	return ca_patterns_match_within(patterns, name, NULL);
}

int ca_patterns_literals(const struct ca_patterns *patterns, struct ca_names *names)
{
	int r = 0;

	for (size_t i = 0; i < patterns->n && !r; i++) {
		const struct ca_pattern *p = &patterns->v[i];

		if (!strpbrk(p->text, p->type == CA_NAME_IP ? "/" : "*{"))
			r = ca_names_add(names, p->type, p->text, strlen(p->text), NULL);
	}
	return r;
}

#include <stdio.h>
#include <string.h>

#include "api/server/outside.h"

#define ACCOUNT_PREFIX "system:serviceaccount:"
#define LABEL_MAX 63      /* RFC 1123: a namespace's name */
#define SUBDOMAIN_MAX 253 /* an account's, a pod's or a node's */
#define CLAIM_NAME_MAX 128
#define EXTRA "authentication.kubernetes.io/"

void server_outside_clear(struct server_outside *outside)
{
	ca_claims_clear(&outside->claims);
	*outside = (struct server_outside){ 0 };
}

static int add_audiences(const struct server_jwt *jwt, struct ca_claims *claims)
{
	const json_t *aud = json_object_get(jwt->claims, "aud"), *one;
	size_t i;
	int r = 0;

	if (json_is_string(aud))
		return ca_claims_add_audience(claims, json_string_value(aud));
	json_array_foreach(aud, i, one)
	{
		r = ca_claims_add_audience(claims, json_string_value(one));
		if (r)
			break;
	}
	return r;
}

/* What every identity has. */
static int begin(const struct server_jwt *jwt, const char *source, const char *subject,
    struct server_outside *out)
{
	snprintf(out->claims.source, sizeof(out->claims.source), "%s", source);
	out->expires = jwt->expires;
	out->claims.subject = strdup(subject);
	return out->claims.subject ? add_audiences(jwt, &out->claims) : CA_ENOMEM;
}

/* ---- OpenID Connect ---- */

/* A claim's value as text; NULL: of another type. */
static const char *value_text(const json_t *value, char number[32])
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (!json_is_integer(value))
		return NULL;
	snprintf(number, 32, "%lld", (long long)json_integer_value(value));
	return number;
}

int server_outside_oidc(const struct server_jwt *jwt, const char *source,
    struct server_outside *out, struct ca_detail *why)
{
	struct server_outside made = { 0 };
	char number[32];
	const char *name, *text;
	json_t *value;
	int r = begin(jwt, source, jwt->subject, &made);

	json_object_foreach(jwt->claims, name, value)
	{
		if (r)
			break;
		text = value_text(value, number);
		/* No rule can rest on one that is left out. */
		if (!text || strlen(text) > CA_CLAIM_VALUE_MAX || strlen(name) > CLAIM_NAME_MAX)
			continue;
		if (made.claims.n == CA_CLAIMS_MAX)
			r = ca_refuse(
			    why, CA_ECLAIM, "the token has more than %d claims", CA_CLAIMS_MAX);
		else
			r = ca_claims_add(&made.claims, name, text);
	}
	if (r)
		server_outside_clear(&made);
	else
		*out = made;
	return r;
}

/* ---- service accounts ---- */

/* Names as Kubernetes takes them (RFC 1123), so that no subject can stand for another: labels of
 * letters and digits, "-" between them; dots: several labels. */
static bool name_ok(const char *name, size_t max, bool dots)
{
	char before = '.'; /* a label begins */

	if (strlen(name) > max)
		return false;
	for (; *name; before = *name++) {
		if ((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') ||
		    (*name == '-' && before != '.') ||
		    (*name == '.' && dots && before != '.' && before != '-'))
			continue;
		return false;
	}
	return before != '.' && before != '-';
}

static bool uid_ok(const char *uid)
{
	return strlen(uid) < SERVER_POD_UID && name_ok(uid, SERVER_POD_UID - 1, false);
}

/* A member of a member, as text; "": there is none. */
static const char *text_in(const json_t *object, const char *member, const char *name)
{
	const char *text =
	    json_string_value(json_object_get(json_object_get(object, member), name));

	return text ? text : "";
}

/* The one value of a key of status.user.extra, or "". */
static const char *extra_text(const json_t *extra, const char *key)
{
	const json_t *values = json_object_get(extra, key);
	const char *text = json_string_value(json_array_get(values, 0));

	return json_array_size(values) == 1 && text ? text : "";
}

/* Who a service account's user name speaks of; ns and sa have room for SUBDOMAIN_MAX + 1. */
static bool read_account(const char *username, char *ns, char *sa)
{
	static const char prefix[] = ACCOUNT_PREFIX;
	const char *colon;

	if (strncmp(username, prefix, sizeof(prefix) - 1) != 0)
		return false;
	username += sizeof(prefix) - 1;
	colon = strchr(username, ':');
	if (!colon || colon - username > LABEL_MAX || strlen(colon + 1) > SUBDOMAIN_MAX)
		return false;
	snprintf(ns, SUBDOMAIN_MAX + 1, "%.*s", (int)(colon - username), username);
	snprintf(sa, SUBDOMAIN_MAX + 1, "%s", colon + 1);
	return name_ok(ns, LABEL_MAX, false) && name_ok(sa, SUBDOMAIN_MAX, true);
}

struct account {
	char ns[SUBDOMAIN_MAX + 1], sa[SUBDOMAIN_MAX + 1];
	const char *pod, *pod_uid, *node; /* "": not known */
};

static int add_if(struct ca_claims *claims, const char *name, const char *value)
{
	return *value ? ca_claims_add(claims, name, value) : 0;
}

static int make_account(const struct server_jwt *jwt, const char *source,
    const struct account *account, struct server_outside *out)
{
	char subject[2 * SUBDOMAIN_MAX + 2];
	struct server_outside made = { 0 };
	struct ca_claims *claims = &made.claims;
	int r;

	snprintf(subject, sizeof(subject), "%s/%s", account->ns, account->sa);
	r = begin(jwt, source, subject, &made);
	if (!r)
		r = ca_claims_add(claims, "ns", account->ns);
	if (!r)
		r = ca_claims_add(claims, "sa", account->sa);
	if (!r)
		r = add_if(claims, "pod", account->pod);
	if (!r)
		r = add_if(claims, "pod_uid", account->pod_uid);
	if (!r)
		r = add_if(claims, "node", account->node);
	if (r) {
		server_outside_clear(&made);
		return r;
	}
	snprintf(made.pod_uid, sizeof(made.pod_uid), "%s", account->pod_uid);
	*out = made;
	return 0;
}

static int malformed(struct ca_detail *why)
{
	return ca_refuse(why, CA_EJWTREFUSED, "the token is not a service account's");
}

/* What does not look like a pod's or a node's name is nobody's. */
static bool bindings_ok(const struct account *account)
{
	return (!*account->pod || name_ok(account->pod, SUBDOMAIN_MAX, true)) &&
	       (!*account->pod_uid || uid_ok(account->pod_uid)) &&
	       (!*account->node || name_ok(account->node, SUBDOMAIN_MAX, true));
}

int server_outside_account(const struct server_jwt *jwt, const char *source,
    struct server_outside *out, struct ca_detail *why)
{
	const json_t *own = json_object_get(jwt->claims, "kubernetes.io");
	const char *ns = json_string_value(json_object_get(own, "namespace"));
	struct account account = { .pod = text_in(own, "pod", "name"),
		.pod_uid = text_in(own, "pod", "uid"),
		.node = text_in(own, "node", "name") };

	if (!read_account(jwt->subject, account.ns, account.sa) || !ns ||
	    strcmp(ns, account.ns) != 0 ||
	    strcmp(text_in(own, "serviceaccount", "name"), account.sa) != 0 ||
	    !bindings_ok(&account))
		return malformed(why);
	if (!*account.pod || !*account.pod_uid)
		return ca_refuse(why, CA_EJWTREFUSED,
		    "the token is not bound to a pod, and no cluster is asked about it");
	if (!jwt->issued || jwt->expires - jwt->issued > SERVER_OUTSIDE_LIFETIME_MAX)
		return ca_refuse(why, CA_EJWTREFUSED,
		    "the token lives for more than an hour, and no cluster is asked about it");
	return make_account(jwt, source, &account, out);
}

static bool audience_confirmed(
    const json_t *status, const char *const *audiences, size_t audiences_len)
{
	const json_t *confirmed = json_object_get(status, "audiences"), *one;
	size_t i;

	json_array_foreach(confirmed, i,
	    one) for (size_t k = 0; k < audiences_len;
		      k++) if (json_is_string(one) &&
			       strcmp(json_string_value(one), audiences[k]) == 0) return true;
	return false;
}

int server_outside_review(const struct server_jwt *jwt, const json_t *review, const char *source,
    const char *const *audiences, size_t audiences_len, struct server_outside *out,
    struct ca_detail *why)
{
	const json_t *status = json_object_get(review, "status");
	const json_t *user = json_object_get(status, "user"), *extra;
	const char *kind = json_string_value(json_object_get(review, "kind"));
	const char *username = json_string_value(json_object_get(user, "username"));
	struct account account = { 0 };

	if (!json_is_object(status) || !kind || strcmp(kind, "TokenReview") != 0)
		return ca_refuse(why, CA_ESOURCE, "the cluster did not answer with a TokenReview");
	if (!json_is_true(json_object_get(status, "authenticated")))
		return ca_refuse(
		    why, CA_EJWTREFUSED, "the cluster says that the token is not good");
	/* A cluster that knows nothing of audiences leaves them out, and has not looked at them. */
	if (!audience_confirmed(status, audiences, audiences_len))
		return ca_refuse(why, CA_EJWTAUDIENCE,
		    "the cluster does not confirm that the token was made for us");
	extra = json_object_get(user, "extra");
	account.pod = extra_text(extra, EXTRA "pod-name");
	account.pod_uid = extra_text(extra, EXTRA "pod-uid");
	account.node = extra_text(extra, EXTRA "node-name");
	/* The cluster and we must have read the same token. */
	if (!username || strcmp(username, jwt->subject) != 0 ||
	    !read_account(username, account.ns, account.sa) || !bindings_ok(&account))
		return malformed(why);
	return make_account(jwt, source, &account, out);
}

#include <jansson.h>

#include "api/server/problem.h"
#include "api/server/request.h"
#include "api/server/server.h"
#include "ca/base/error.h"

struct problem_row {
	int error;
	unsigned status;
	const char *next; /* what the client can do; NULL: nothing that is not in the detail */
};

static const struct problem_row rows[] = {
	{ CA_ENOMEM, 503, "try again later" },
	{ CA_EINTERNAL, 500, "tell whoever runs this CA the request id: its log says more" },
	{ CA_EIO, 500, "tell whoever runs this CA the request id: its log says more" },
	{ CA_EMASTERKEY, 500, "the file of the master key must be this installation's" },
	{ CA_ENOMASTERKEY, 500, "put the master key's file where micad serve reads it, mode 0600" },
	{ CA_EINVAL, 400, NULL },
	{ CA_ENOTFOUND, 404, NULL },
	{ CA_EEXIST, 409, NULL },
	{ CA_EOVERLOADED, 503, "try again after the time in Retry-After" },
	{ CA_ECLOCK, 503, "the CA's clock must be put right" },
	{ CA_ESTOPPING, 503, "try again after the time in Retry-After" },
	{ CA_ESTORE, 503, "nothing was changed; try again after the time in Retry-After" },
	{ CA_ESTOREFULL, 503, "nothing was changed; the CA's disk needs space" },
	{ CA_ECSR, 400, "send one PKCS#10 request in PEM: openssl req -new, or mica fetch" },
	{ CA_ECSRSIGNATURE, 400, "sign the request with its own key, with SHA-256 or better" },
	{ CA_ECSREXTENSION, 403, "ask for no more than the profile grants" },
	{ CA_ESUBJECT, 403,
	    "leave the subject empty, or give it one CN that is a DNS name granted" },
	{ CA_EKEYTYPE, 403, "use RSA of 2048 to 4096 bits, EC P-256 or P-384, or Ed25519" },
	{ CA_EKEYWEAK, 403, "make a new key with a sound generator" },
	{ CA_EKEYRESERVED, 403, "make a key of your own" },
	{ CA_ENAME, 400, NULL },
	{ CA_ENAMEREFUSED, 403, "ask an operator for a token that grants the name" },
	{ CA_ENAMERESERVED, 403, "choose a name that is not the CA's own" },
	{ CA_ENONAMES, 403, "name at least one DNS name, IP address or URI" },
	{ CA_ETOOMANYNAMES, 403, "ask for fewer names, in several certificates" },
	{ CA_EPROFILE, 404,
	    "name a ready-made one, such as service, or one of the tenant's: mica policy export" },
	{ CA_EPROFILEREFUSED, 403, "ask for the profile that the credential grants" },
	{ CA_ETTL, 403, "ask for a lifetime within the profile's bounds, or leave it out" },
	{ CA_EISSUERENDS, 403, "ask for a shorter lifetime; the issuer must be renewed soon" },
	{ CA_EPOLICY, 422, "put the document right; nothing was changed" },
	{ CA_ETOKEN, 401, "send the token as mica token create printed it" },
	{ CA_ETOKENSIGNATURE, 401, "ask an operator for a new token" },
	{ CA_ETOKENFOREIGN, 401, "ask an operator of this CA for a token" },
	{ CA_ETOKENEXPIRED, 401, "ask an operator for a new token" },
	{ CA_ETOKENEARLY, 401, "the CA's clock went back, or the token was tampered with" },
	{ CA_ETOKENREPLAYED, 409,
	    "ask an operator for a new token; if nobody of yours used this one, "
	    "revoke what was issued with it" },
	{ CA_ETOKENREMOVED, 401, "ask an operator for a new token" },
	{ CA_ETOKENMAKER, 401, "ask an operator in office for a new token" },
	{ CA_ETOKENKEY, 403, "use the key that the token was made for" },
	{ CA_EUNAUTHENTICATED, 401,
	    "show an operator's client certificate, or an enrolment token" },
	{ CA_ECERTUNKNOWN, 401, "show a certificate that this CA issued" },
	{ CA_ECERTREVOKED, 401, "enrol anew" },
	{ CA_ECERTEXPIRED, 401, "enrol anew" },
	{ CA_EFORBIDDEN, 403, NULL },
	{ CA_EOPERATORREMOVED, 401, "ask an admin" },
	{ CA_EJWTISSUER, 401, "an admin makes the issuer known: mica source create" },
	{ CA_EJWTALGORITHM, 401, NULL },
	{ CA_EJWTKEY, 401, "ask the issuer for a new token" },
	{ CA_EJWTAUDIENCE, 401, "ask the issuer for a token with the audience of this CA" },
	{ CA_EJWTREFUSED, 401, "ask the issuer for a new token" },
	{ CA_ESOURCE, 503, "try again after the time in Retry-After" },
	{ CA_ECLAIM, 403, NULL },
	{ CA_ENORULE, 403,
	    "a rule in the tenant's policy must name this identity: mica policy test" },
	{ CA_EIDENTITYDISABLED, 403, "ask an operator: mica identity enable" },
	{ CA_EQUOTA, 429, "wait, let certificates end, or ask an admin: mica tenant set" },
	{ CA_ECEILING, 403, "ask an admin: mica tenant set" },
	{ CA_ETENANTREMOVED, 410, NULL },
	{ CA_EPATH, 404, "/openapi.json lists the paths" },
	{ CA_EMETHOD, 405, "the header Allow lists the methods" },
	{ CA_EBODYEMPTY, 400, "send a JSON object" },
	{ CA_EBODYLARGE, 413, NULL },
	{ CA_EMEDIATYPE, 415, "send application/json" },
	{ CA_ENOTACCEPTABLE, 406, NULL },
	{ CA_EJSON, 400, "send one JSON object in UTF-8" },
	{ CA_EJSONTRAILING, 400, "send one JSON object and nothing behind it" },
	{ CA_EFIELDMISSING, 400, "/openapi.json describes the body" },
	{ CA_EFIELDUNKNOWN, 400, "/openapi.json describes the body" },
	{ CA_EFIELD, 400, "/openapi.json describes the body" },
	{ CA_EPRECONDITION, 412, "get it anew, and change that" },
	{ CA_EQUERY, 400, "/openapi.json describes the parameters" },
};

static const struct problem_row *find(int error)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].error == error)
			return &rows[i];
	return &rows[1];
}

static const char *status_phrase(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 412:
		return "Precondition Failed";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 422:
		return "Unprocessable Content";
	case 429:
		return "Too Many Requests";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

void server_problem(struct server_request *request, int error)
{
	const struct problem_row *row = find(error);
	const char *detail = request->why.text[0] ? request->why.text : ca_error_text(row->error);
	json_t *body = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s*, s:s}", "type", "about:blank",
	    "title", status_phrase(row->status), "status", (int)row->status, "code",
	    ca_error_code(row->error), "detail", detail, "next", row->next, "request_id",
	    request->id);

	if (body && request->line) {
		json_object_set_new(body, "line", json_integer((json_int_t)request->line));
		json_object_set_new(body, "pointer", json_string(request->pointer));
	}
	request->status = row->status;
	request->etag[0] = '\0';
	if (row->status == 503 || row->status == 429)
		request->retry_after = SERVER_RETRY_AFTER;
	ca_buf_free(&request->answer);
	if (server_answer_json(request, row->status, body))
		ca_buf_clear(&request->answer);
	request->content_type = "application/problem+json";
}

/*
 * Errors: what every function of Mica returns, and the words that go with it.
 *
 * A function that can fail returns 0 or one of the negative codes below. Each code has a stable
 * name (kebab case) that clients, scripts and logs may rely on: ca_error_code(). Where the caller
 * can be told more than the code, the function takes a `struct ca_detail *why` (may be NULL) and
 * fills it with one sentence that names what was refused; it never holds a secret, nor a string
 * that a foreign library made.
 */
#ifndef CA_BASE_ERROR_H
#define CA_BASE_ERROR_H

enum ca_error {
	CA_OK = 0,

	/* the process and its surroundings */
	CA_ENOMEM = -1,
	CA_EINTERNAL = -2, /* a bug of ours, or a library that failed without a better word */
	CA_EIO = -3,       /* a file could not be read or written; errno is in the log */
	CA_EINVAL = -4,    /* an argument of a command or a setting is malformed */
	CA_ENOTFOUND = -5,
	CA_EEXIST = -6,
	CA_ELOCKED = -7,     /* another micad holds the state directory */
	CA_EOVERLOADED = -8, /* a bounded queue is full: come back later */
	CA_ECLOCK = -9,      /* the clock stands outside what the data at hand allows */
	CA_ESTOPPING = -10,  /* the process is shutting down */

	/* the store */
	CA_ESTORE = -20,       /* the database failed; nothing was changed */
	CA_ESTOREFULL = -21,   /* no space left; nothing was changed */
	CA_ESTORESCHEMA = -22, /* not a Mica database, or made by a newer Mica */

	/* secrets at rest */
	CA_EMASTERKEY = -30,   /* the master key does not open this installation */
	CA_ENOMASTERKEY = -31, /* no master key file, or one that cannot be used (size, mode) */
	CA_ESEAL = -32,        /* a sealed blob was changed, moved or cut */

	/* certificate signing requests */
	CA_ECSR = -40, /* not a PKCS#10 request in PEM */
	CA_ECSRSIGNATURE = -41,
	CA_ECSREXTENSION = -42, /* asks for an extension or usage that the profile does not grant */
	CA_ESUBJECT = -43,      /* a subject that the profile does not grant */
	CA_EKEYTYPE = -44,
	CA_EKEYWEAK = -45,
	CA_EKEYRESERVED = -46, /* the key of one of our own CAs */

	/* names, profiles, lifetimes */
	CA_ENAME = -50,         /* malformed */
	CA_ENAMEREFUSED = -51,  /* well formed, and not granted */
	CA_ENAMERESERVED = -52, /* one of micad's own */
	CA_ENONAMES = -53,
	CA_ETOOMANYNAMES = -54,
	CA_EPROFILE = -55,        /* no such profile */
	CA_EPROFILEREFUSED = -56, /* exists, and not for this requester */
	CA_ETTL = -57,
	CA_EISSUERENDS = -58, /* the certificate would outlive its issuer */
	CA_EPOLICY = -59,     /* a policy document that cannot be taken */

	/* enrolment tokens */
	CA_ETOKEN = -60, /* not a token */
	CA_ETOKENSIGNATURE = -61,
	CA_ETOKENFOREIGN = -62, /* made by another installation, or unknown here */
	CA_ETOKENEXPIRED = -63,
	CA_ETOKENEARLY = -64, /* issued in the future: somebody's clock is wrong */
	CA_ETOKENREPLAYED = -65,
	CA_ETOKENREMOVED = -66,
	CA_ETOKENMAKER = -67, /* whoever made it may not any longer */
	CA_ETOKENKEY = -68,   /* it is bound to another public key */

	/* who is asking */
	CA_EUNAUTHENTICATED = -70,
	CA_ECERTUNKNOWN = -71, /* a client certificate that is not on record here */
	CA_ECERTREVOKED = -72,
	CA_ECERTEXPIRED = -73,
	CA_EFORBIDDEN = -74,
	CA_EOPERATORREMOVED = -75,

	/* who asks from outside, with a JWT that somebody else made */
	CA_EJWTISSUER = -110,    /* no source of ours has this issuer */
	CA_EJWTALGORITHM = -111, /* one that is not taken, or a header that is not */
	CA_EJWTKEY = -112,       /* no key of its issuer's has this id */
	CA_EJWTAUDIENCE = -113,
	CA_EJWTREFUSED = -114, /* its cluster says that it is no longer good, or never was */
	CA_ESOURCE = -115,     /* the source does not answer */
	CA_ECLAIM = -116,      /* a claim is missing, or not fit for what it is to fill */
	CA_ENORULE = -117,     /* no rule speaks of this identity */
	CA_EIDENTITYDISABLED = -118,
	CA_EQUOTA = -119,

	/* tenants */
	CA_ECEILING = -120, /* beyond what the admin allows the tenant */
	CA_ETENANTREMOVED = -121,

	/* one HTTP request */
	CA_EPATH = -80,
	CA_EMETHOD = -81,
	CA_EBODYEMPTY = -82,
	CA_EBODYLARGE = -83,
	CA_EMEDIATYPE = -85,
	CA_ENOTACCEPTABLE = -86,
	CA_EJSON = -87,
	CA_EJSONTRAILING = -88,
	CA_EFIELDMISSING = -89,
	CA_EFIELDUNKNOWN = -90,
	CA_EFIELD = -91,        /* of the wrong type, or out of range */
	CA_EPRECONDITION = -93, /* If-Match names another version */
	CA_EQUERY = -92, /* an unknown or malformed query parameter, or a cursor that is not ours */

	/* the client's side of a connection */
	CA_EUNREACHABLE = -100, /* no answer, or none in time */
	CA_ETLS = -101,         /* the CA could not be authenticated */
	CA_EFINGERPRINT = -102, /* none of the roots offered has the fingerprint expected */
	CA_EANSWER = -103,      /* an answer that is not one of Mica's */
};

#define CA_DETAIL_MAX 256

/* One sentence for a person, NUL-terminated, cut at CA_DETAIL_MAX - 1 octets; "" when there is
 * nothing to add. */
struct ca_detail {
	char text[CA_DETAIL_MAX];
};

/* The stable name of a code ("csr-signature-invalid"); "internal-error" for a number that is none.
 * Static. */
const char *ca_error_code(int error);

/* What the code means, a short English phrase without a full stop. Static. */
const char *ca_error_text(int error);

/* The code with this stable name, or 0. */
int ca_error_from_code(const char *code);

/*
 * Fill *why (NULL: nothing happens) and return error, so that a refusal is one statement:
 *     return ca_refuse(why, CA_ENAMEREFUSED, "the token does not grant %s", name);
 * Octets outside printable ASCII are replaced by '?', so that a detail can stand in a log, a header
 * or a terminal.
 */
int ca_refuse(struct ca_detail *why, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

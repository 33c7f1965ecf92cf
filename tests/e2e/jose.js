// Keys and tokens (RFC 7515 to 7519) for the tests' issuers, by Node's crypto: what an honest issuer makes. The hostile
// ones are made of these by hostile-tokens.js.
'use strict';
const crypto = require('crypto');

const b64 = (octets) => Buffer.from(octets).toString('base64url');

// A signing key: its id is SHA-256 of the public key's DER, as kube-apiserver derives it.
function makeKey(alg) {
	const pair = alg.startsWith('ES') ?
		crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }) :
		crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
	const kid = b64(crypto.createHash('sha256').update(pair.publicKey.export({ type: 'spki', format: 'der' })).digest());
	return { alg, kid, ...pair };
}

const jwk = (key) => ({ use: 'sig', ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: key.alg });

// The signature of one of the algorithms over a string; secret is what an HMAC takes.
function sign(alg, key, input, secret) {
	const hash = 'sha' + alg.slice(2);
	switch (alg.slice(0, 2)) {
	case 'HS':
		return b64(crypto.createHmac(hash, secret).update(input).digest());
	case 'ES':
		return b64(crypto.sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }));
	case 'PS':
		return b64(crypto.sign(hash, Buffer.from(input), {
			key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST,
		}));
	default:
		return b64(crypto.sign(hash, Buffer.from(input), key));
	}
}

function verify(alg, key, input, signature) {
	const hash = 'sha' + alg.slice(2);
	const octets = Buffer.from(signature, 'base64url');
	if (alg.startsWith('ES'))
		return crypto.verify(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, octets);
	return crypto.verify(hash, Buffer.from(input), key, octets);
}

// A compact JWT; header members that are given stand beside alg and kid.
function mint(key, claims, header) {
	const input = b64(JSON.stringify({ alg: key.alg, kid: key.kid, ...header })) + '.' + b64(JSON.stringify(claims));
	return input + '.' + sign(key.alg, key.privateKey, input);
}

module.exports = { b64, jwk, makeKey, mint, sign, verify };

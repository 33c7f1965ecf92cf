// Of a good token of a service account and its issuer's private key, every way to cheat that we know of:
//     node hostile-tokens.js TOKEN KEY.pem
// A line each, with tabs between: a name, what Mica's code for its refusal must match, the token. What has a signature, is
// signed with the right key where the name does not say otherwise, so that nothing else is wrong with it.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { b64, jwk, sign } = require('./jose.js');

const token = process.argv[2].trim();
const key = crypto.createPrivateKey(fs.readFileSync(process.argv[3]));
const stranger = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const curve = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKey = crypto.createPublicKey(key);
const parts = token.split('.');
const header = JSON.parse(Buffer.from(parts[0], 'base64url'));
const claims = JSON.parse(Buffer.from(parts[1], 'base64url'));
const io = claims['kubernetes.io'];
const now = Math.floor(Date.now() / 1000);

// Octets as header and payload, signed with the right key.
function raw(head, payload, alg = 'RS256', by = key, secret) {
	const input = b64(head) + '.' + b64(payload);
	return input + '.' + sign(alg, by, input, secret);
}
const text = JSON.stringify;
const claim = (more) => raw(text(header), text({ ...claims, ...more }));
const head = (more, alg, by, secret) => raw(text({ ...header, ...more }), text(claims), alg, by, secret);
const account = (more, sub) => claim({ 'kubernetes.io': { ...io, ...more }, ...(sub ? { sub } : {}) });
const without = (name) => claim({ [name]: undefined });
const inNamespace = (ns) => account({ namespace: ns }, `system:serviceaccount:${ns}:${io.serviceaccount.name}`);
const asAccount = (sa) => account({ serviceaccount: { ...io.serviceaccount, name: sa } },
	`system:serviceaccount:${io.namespace}:${sa}`);
const twice = (name, second) => text(claims).replace(/}$/, `,${text(name)}:${text(second)}}`);
const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);

const algorithm = 'jwt-algorithm-refused';
const form = 'token-malformed';
const shape = 'token-malformed|jwt-algorithm-refused';
const content = 'token-malformed|claim-refused|jwt-refused';

const variants = {
	// whose signature
	'another key under the same id': ['token-signature-invalid', head({}, 'RS256', stranger.privateKey)],
	'another key under its own id': ['jwt-key-unknown', head({ kid: 'stranger' }, 'RS256', stranger.privateKey)],
	'a signature with a bit turned': ['token-signature-invalid',
		parts[0] + '.' + parts[1] + '.' + parts[2].replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))],
	'the signature of another payload': ['token-signature-invalid',
		claim({ jti: 'other' }).split('.').slice(0, 2).join('.') + '.' + parts[2]],
	'a signature of zeros': ['token-signature-invalid', parts[0] + '.' + parts[1] + '.' + b64(Buffer.alloc(256))],

	// algorithms
	'alg none': [shape, b64(text({ ...header, alg: 'none' })) + '.' + parts[1] + '.'],
	'alg None': [shape, b64(text({ ...header, alg: 'None' })) + '.' + parts[1] + '.'],
	'alg NONE': [shape, b64(text({ ...header, alg: 'NONE' })) + '.' + parts[1] + '.'],
	'alg none with a signature': [algorithm, b64(text({ ...header, alg: 'none' })) + '.' + parts[1] + '.' + parts[2]],
	'alg empty': [shape, head({ alg: '' })],
	'no alg': [shape, head({ alg: undefined })],
	'alg a list': [shape, head({ alg: ['RS256'] })],
	'alg null': [shape, head({ alg: null })],
	'HS256 with the public key in PEM': [algorithm,
		head({ alg: 'HS256' }, 'HS256', null, publicKey.export({ type: 'spki', format: 'pem' }))],
	'HS256 with the public key in DER': [algorithm,
		head({ alg: 'HS256' }, 'HS256', null, publicKey.export({ type: 'spki', format: 'der' }))],
	'HS256 with the public key in PKCS#1': [algorithm,
		head({ alg: 'HS256' }, 'HS256', null, publicKey.export({ type: 'pkcs1', format: 'pem' }))],
	'HS256 with the modulus': [algorithm,
		head({ alg: 'HS256' }, 'HS256', null, Buffer.from(publicKey.export({ format: 'jwk' }).n, 'base64url'))],
	'HS512 with nothing': [algorithm, head({ alg: 'HS512' }, 'HS512', null, '')],
	'RS256 in lower case': [algorithm, head({ alg: 'rs256' })],
	'RS1': [algorithm, head({ alg: 'RS1' }, 'RS1')],
	'ES256 with an RSA key': ['jwt-key-unknown|token-signature-invalid|' + algorithm,
		head({ alg: 'ES256' }, 'ES256', curve.privateKey)],
	'PS256 said, RS256 done': ['jwt-key-unknown|token-signature-invalid', head({ alg: 'PS256' })],
	'RS512 said, RS256 done': ['jwt-key-unknown|token-signature-invalid', head({ alg: 'RS512' })],
	'RS384 with a key for RS256': ['jwt-key-unknown|token-signature-invalid', head({ alg: 'RS384' }, 'RS384')],

	// headers that bring their own key, or ask for more than we understand
	'jku': [algorithm, head({ jku: 'https://example.org/keys' })],
	'x5u': [algorithm, head({ x5u: 'https://example.org/crt' })],
	'jwk': [algorithm, head({ jwk: jwk({ publicKey: stranger.publicKey, alg: 'RS256', kid: header.kid }) }, 'RS256',
		stranger.privateKey)],
	'x5c': [algorithm, head({ x5c: ['MAA='] })],
	'x5t': [algorithm, head({ x5t: 'AAAA' })],
	'crit': [algorithm, head({ crit: ['exp'] })],
	'crit of nothing': [algorithm, head({ crit: [] })],
	'b64 false': [algorithm, head({ b64: false, crit: ['b64'] })],
	'zip': [algorithm, head({ zip: 'DEF' })],
	'cty JWT': [algorithm, head({ cty: 'JWT' })],
	'an unknown member': [algorithm, head({ 'http://example.org/is_root': true })],
	'kid a number': [shape + '|jwt-key-unknown', head({ kid: 1 })],
	'kid a path': ['jwt-key-unknown', head({ kid: '../../../../dev/null' })],
	'kid of SQL': ['jwt-key-unknown', head({ kid: "' OR 1=1 --" })],
	'kid empty': ['jwt-key-unknown|' + shape, head({ kid: '' })],
	'kid of 2000 octets': ['jwt-key-unknown|' + shape, head({ kid: 'k'.repeat(2000) })],
	'alg twice': [shape, raw(`{"alg":"none",${text(header).slice(1)}`, text(claims))],
	'kid twice': [shape, raw(text(header).replace(/}$/, ',"kid":"other"}'), text(claims))],

	// cut, joined, bent
	'no signature': [form, parts[0] + '.' + parts[1] + '.'],
	'two parts': [form, parts[0] + '.' + parts[1]],
	'one part': [form, parts[0]],
	'four parts': [form, token + '.' + parts[2]],
	'five parts': [form, token + '..'],
	'only dots': [form, '..'],
	'half a signature': ['token-signature-invalid|' + form, token.slice(0, token.length - parts[2].length / 2)],
	'half a payload': [content, parts[0] + '.' + parts[1].slice(0, parts[1].length / 2) + '.' + parts[2]],
	'half a header': [shape, parts[0].slice(0, parts[0].length / 2) + '.' + parts[1] + '.' + parts[2]],
	'padding': [form + '|token-signature-invalid', token + '='],
	'an exclamation mark in the payload': [form, parts[0] + '.!' + parts[1] + '.' + parts[2]],
	'flattened JSON': [form, text({ protected: parts[0], payload: parts[1], signature: parts[2] })],
	'flattened JSON with an unprotected header': [form,
		text({ header: { alg: 'RS256' }, payload: parts[1], signature: parts[2] })],
	'a token in a token': [content + '|' + algorithm, raw(text({ ...header, cty: 'JWT' }), token)],

	// more than there is room for
	'of 10,000 octets': [form + '|-', claim({ x: 'x'.repeat(6500) })],
	'of 100,000 octets': [form + '|-', claim({ x: 'x'.repeat(74000) })],
	'of a million octets': [form + '|-', claim({ x: 'x'.repeat(740000) })],
	'an audience of 500': ['jwt-audience-refused|-|' + content, claim({ aud: Array(500).fill('https://a.example.org') })],

	// payloads that are no claims
	'a list': [content, raw(text(header), '[]')],
	'a string': [content, raw(text(header), '"claims"')],
	'null': [content, raw(text(header), 'null')],
	'nothing': [content, raw(text(header), '')],
	'two objects': [content, raw(text(header), text(claims) + text(claims))],
	'a NUL behind it': [content, raw(text(header), text(claims) + '\0')],
	'not UTF-8': [content, raw(text(header), Buffer.concat([Buffer.from(text(claims).slice(0, -1) + ',"x":"'),
		Buffer.from([0xff, 0xfe]), Buffer.from('"}')]))],
	'a NUL in a claim': [content, claim({ jti: 'a\0b' })],
	'nested 2000 deep': [content, raw(text(header), text(claims).replace(/}$/, `,"x":${nested(2000)}}`))],
	'a number without end': [content, raw(text(header), text({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e999'))],
	'sub twice': [content, raw(text(header), twice('sub', `system:serviceaccount:kube-system:${io.serviceaccount.name}`))],
	'iss twice': [content, raw(text(header), twice('iss', claims.iss))],
	'exp twice': [content, raw(text(header), twice('exp', now + 60))],
	'kubernetes.io twice': [content, raw(text(header), twice('kubernetes.io', { ...io, namespace: 'kube-system' }))],
	'namespace twice': [content,
		raw(text(header), text(claims).replace('{"namespace":', '{"namespace":"kube-system","namespace":'))],

	// times
	'expired by a second': ['token-expired', claim({ iat: now - 3601, nbf: now - 3601, exp: now - 1 })],
	'expired in 1970': ['token-expired', claim({ iat: 1, nbf: 1, exp: 2 })],
	'no exp': [content, without('exp')],
	'exp a string': [content, claim({ exp: String(claims.exp) })],
	'exp negative': ['token-expired|' + content, claim({ exp: -1 })],
	'exp null': [content, claim({ exp: null })],
	'not before in an hour': ['token-early', claim({ nbf: now + 3600, exp: now + 3600 + 600 })],
	'issued in an hour': ['token-early', claim({ iat: now + 3600, nbf: now, exp: now + 3600 + 600 })],
	'nbf a list': [content, claim({ nbf: [claims.nbf] })],
	'two hours long': ['jwt-refused', claim({ exp: claims.iat + 7200 })],
	'a year long': ['jwt-refused', claim({ exp: claims.iat + 365 * 86400 })],
	'no iat': [content, without('iat')],

	// for and by whom
	'another audience': ['jwt-audience-refused', claim({ aud: ['https://other.example.org'] })],
	'an audience that ours begins with': ['jwt-audience-refused', claim({ aud: [claims.aud[0].slice(0, -1)] })],
	'an audience that begins with ours': ['jwt-audience-refused', claim({ aud: [claims.aud[0] + '/v1'] })],
	'no audience': ['jwt-audience-refused|' + content, without('aud')],
	'an empty audience': ['jwt-audience-refused|' + content, claim({ aud: [] })],
	'an audience in a list in a list': ['jwt-audience-refused|' + content, claim({ aud: [claims.aud] })],
	'an audience as an object': ['jwt-audience-refused|' + content, claim({ aud: { 0: claims.aud[0] } })],
	'another issuer': ['jwt-issuer-unknown', claim({ iss: 'https://other.example.org' })],
	'the issuer with a slash': ['jwt-issuer-unknown', claim({ iss: claims.iss + '/' })],
	'the issuer in capitals': ['jwt-issuer-unknown', claim({ iss: claims.iss.toUpperCase() })],
	'no issuer': ['jwt-issuer-unknown|' + content, without('iss')],
	'an issuer in a list': ['jwt-issuer-unknown|' + content, claim({ iss: [claims.iss] })],

	// whose
	'no pod': ['jwt-refused', account({ pod: undefined })],
	'a pod without a uid': [content, account({ pod: { name: io.pod.name } })],
	'a pod that is a string': [content, account({ pod: io.pod.name })],
	'no kubernetes.io': [content, without('kubernetes.io')],
	'kubernetes.io a string': [content, claim({ 'kubernetes.io': 'pay' })],
	'no namespace': [content, account({ namespace: undefined })],
	'no sub': [content, without('sub')],
	'sub a number': [content, claim({ sub: 7 })],
	'sub of a node': [content, claim({ sub: 'system:node:node-1' })],
	'sub of another account': [content, claim({ sub: `system:serviceaccount:${io.namespace}:other` })],
	'sub of another namespace': [content, claim({ sub: `system:serviceaccount:kube-system:${io.serviceaccount.name}` })],
	'sub with one more part': [content, claim({ sub: claims.sub + ':admin' })],
	'an account that is no object': [content, account({ serviceaccount: ['web'] })],
};

// Names that would break out of their placeholder.
for (const [name, value] of Object.entries({
	'a dot': 'pay.svc', 'a slash': 'pay/sa/x', 'a star': '*', 'a star behind': 'pay*', 'a colon': 'pay:web', 'nothing': '',
	'capitals': 'PAY', 'a space': 'pay web', 'a line feed': 'pay\nweb', 'a NUL': 'pay\0web', 'a brace': '{sa}',
	'a percent sign': 'pay%2fsa', 'an accent': 'payé', 'two dots': '..', '64 octets': 'p'.repeat(64),
	'a dash in front': '-pay', 'a dash behind': 'pay-', 'an underscore': 'pay_web',
})) {
	const code = 'claim-refused|rule-missing|' + content;
	variants[`a namespace with ${name}`] = [code, inNamespace(value)];
	// A service account's name may have dots, a pod's too.
	variants[`an account with ${name}`] = [code, asAccount(value)];
}

for (const [name, [code, made]] of Object.entries(variants))
	console.log(`${name}\t^(${code})$\t${made}`);

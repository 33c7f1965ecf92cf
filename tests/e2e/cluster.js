// A Kubernetes cluster's API server and, below /oidc, an OIDC issuer such as a CI system's, over TLS, as far as somebody
// sees them who wants to know whose token it was given. What it says is what kube-apiserver 1.30 says: the claims of
// projected tokens, discovery, the key set and TokenReview.
//     node cluster.js DIRECTORY [BEARER [ISSUER]]
// DIRECTORY holds tls.crt and tls.key; with a BEARER its API is for those who send it. It prints two ports: that of the
// cluster, and one for plain HTTP on which the test gives its commands:
//     POST /mint       {ns, sa, pod, podless, uid, audience, lifetime, claims, header}: a projected token; the account and
//                      the pod are made when they are not there. An array of them: a token a line
//     POST /oidc/mint  {audience, lifetime, claims, header}: a pipeline's token
//     POST /rotate, /oidc/rotate   a new key signs from now on; {"keep": true}: the old ones stay published
//     POST /delete     {ns, sa, pod}: the pod, or without one the account
//     POST /mode       {keys, reviews, oidc}: how each answers from now on, a word of `moods` below
//     POST /close, /open           nobody listens; somebody listens again, on the same port
//     GET  /key, /oidc/key         the private key that signs now
//     GET  /jwks, /oidc/jwks       the key set, for those who take it from a file
//     GET  /count      how many requests of each kind came
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const jose = require('./jose.js');

const [directory, bearer, given] = process.argv.slice(2);
const issuer = given || 'https://kubernetes.default.svc.cluster.local';
const leeway = 60; // seconds of grace that kube-apiserver gives to a token that expired
const extended = 3607; // what kubelet asks for, and gets a year for when the audience is the API server
const cluster = { alg: 'RS256', keys: [jose.makeKey('RS256')] };
const oidc = { alg: 'ES256', keys: [jose.makeKey('ES256')] };
const accounts = new Map(); // "ns/sa" to its uid
const pods = new Map(); // "ns/pod" to its uid
const count = { keys: 0, reviews: 0, oidc: 0, discovery: 0, unauthorized: 0, other: 0 };
const mode = { keys: 'well', reviews: 'well', oidc: 'well' };

const now = () => Math.floor(Date.now() / 1000);
const first = (issuer_) => issuer_.keys[0];
const keySet = (issuer_) => ({ keys: issuer_.keys.map(jose.jwk) });

function uidOf(map, name, wanted) {
	if (wanted || !map.has(name))
		map.set(name, wanted || crypto.randomUUID());
	return map.get(name);
}

// ---- tokens ----

function mint(ask) {
	const ns = ask.ns || 'default';
	const sa = ask.sa || 'default';
	const pod = ask.pod || sa + '-0';
	const audience = [].concat(ask.audience || issuer);
	const lifetime = ask.lifetime || 3600;
	const iat = now();
	const year = lifetime === extended && audience.length === 1 && audience[0] === issuer;
	const io = {
		namespace: ns,
		node: ask.podless ? undefined : { name: 'node-1', uid: uidOf(pods, 'node-1') },
		pod: ask.podless ? undefined : { name: pod, uid: uidOf(pods, ns + '/' + pod, ask.uid) },
		serviceaccount: { name: sa, uid: uidOf(accounts, ns + '/' + sa) },
		warnafter: year ? iat + lifetime : undefined,
	};
	return jose.mint(first(cluster), {
		aud: audience, exp: iat + (year ? 365 * 86400 : lifetime), iat, iss: issuer, jti: crypto.randomUUID(),
		'kubernetes.io': io, nbf: iat, sub: `system:serviceaccount:${ns}:${sa}`, ...ask.claims,
	}, ask.header);
}

function mintOidc(ask) {
	const iat = now();
	return jose.mint(first(oidc), {
		iss: `https://localhost:${server.port}/oidc`, aud: ask.audience || 'mica', iat, nbf: iat - 5,
		exp: iat + (ask.lifetime || 300), jti: crypto.randomUUID(), sub: 'project_path:group/app:ref_type:branch:ref:main',
		project_path: 'group/app', project_id: '42', namespace_path: 'group', ref: 'main', ref_type: 'branch',
		ref_protected: 'true', environment_protected: 'false', pipeline_id: '1001', user_login: 'somebody', ...ask.claims,
	}, { typ: 'JWT', ...ask.header });
}

// ---- TokenReview ----

// What is wrong with the token, in kube-apiserver's words, or whose it is.
function authenticate(token, audiences) {
	const parts = token.split('.');
	let header, claims;
	try {
		header = JSON.parse(Buffer.from(parts[0], 'base64url'));
		claims = JSON.parse(Buffer.from(parts[1], 'base64url'));
	} catch (error) {
		return { error: 'invalid bearer token' };
	}
	if (parts.length !== 3 || claims.iss !== issuer)
		return { error: 'invalid bearer token' };
	const key = cluster.keys.find((k) => k.kid === header.kid);
	if (!key || header.alg !== key.alg || !jose.verify(key.alg, key.publicKey, parts[0] + '.' + parts[1], parts[2]))
		return { error: '[invalid bearer token, square/go-jose: error in cryptographic primitive]' };
	if (claims.exp + leeway < now())
		return { error: '[invalid bearer token, service account token has expired]' };
	if (claims.nbf - leeway > now())
		return { error: '[invalid bearer token, service account token is not valid yet]' };
	const shared = [].concat(claims.aud).filter((audience) => audiences.includes(audience));
	if (shared.length === 0)
		return { error: `[invalid bearer token, token audiences ${JSON.stringify(claims.aud)} is invalid for the target ` +
			`audiences ${JSON.stringify(audiences)}]` };
	return holder(claims, shared);
}

function holder(claims, audiences) {
	const io = claims['kubernetes.io'];
	const isObject = (value) => typeof value === 'object' && value !== null;
	const gone = { error: '[invalid bearer token, service account token has been invalidated]' };
	if (!isObject(io) || !isObject(io.serviceaccount) || (io.pod && !isObject(io.pod)))
		return { error: 'invalid bearer token' };
	if (accounts.get(io.namespace + '/' + io.serviceaccount.name) !== io.serviceaccount.uid)
		return gone;
	const extra = { 'authentication.kubernetes.io/credential-id': ['JTI=' + claims.jti] };
	if (io.pod) {
		if (pods.get(io.namespace + '/' + io.pod.name) !== io.pod.uid)
			return gone;
		extra['authentication.kubernetes.io/node-name'] = [io.node.name];
		extra['authentication.kubernetes.io/node-uid'] = [io.node.uid];
		extra['authentication.kubernetes.io/pod-name'] = [io.pod.name];
		extra['authentication.kubernetes.io/pod-uid'] = [io.pod.uid];
	}
	return {
		audiences,
		user: {
			username: `system:serviceaccount:${io.namespace}:${io.serviceaccount.name}`,
			uid: io.serviceaccount.uid,
			groups: ['system:serviceaccounts', 'system:serviceaccounts:' + io.namespace, 'system:authenticated'],
			extra,
		},
	};
}

function review(body) {
	const asked = JSON.parse(body);
	if (asked.kind !== 'TokenReview' || asked.apiVersion !== 'authentication.k8s.io/v1')
		return [400, failure(400, 'BadRequest', 'the object provided is unrecognized')];
	const { token = '', audiences = [issuer] } = asked.spec;
	const result = authenticate(token, audiences);
	const status = result.error ? { user: {}, error: result.error } : { authenticated: true, ...result };
	return [201, { kind: asked.kind, apiVersion: asked.apiVersion, metadata: { creationTimestamp: null, managedFields: [] },
		spec: asked.spec, status }];
}

// ---- what the world sees ----

function failure(code, reason, message) {
	return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

const discovery = (from, keys, alg) => ({
	issuer: from, jwks_uri: keys, response_types_supported: ['id_token'], subject_types_supported: ['public'],
	id_token_signing_alg_values_supported: [alg],
});

function route(request, body) {
	const here = `https://localhost:${server.port}`;
	const path = `${request.method} ${request.url}`;
	if (!request.url.startsWith('/oidc') && bearer && request.headers.authorization !== 'Bearer ' + bearer) {
		count.unauthorized++;
		return ['other', 401, failure(401, 'Unauthorized', 'Unauthorized')];
	}
	switch (path) {
	case 'GET /.well-known/openid-configuration':
		return ['discovery', 200, discovery(issuer, here + '/openid/v1/jwks', 'RS256')];
	case 'GET /openid/v1/jwks':
		return ['keys', 200, keySet(cluster), 'application/jwk-set+json'];
	case 'POST /apis/authentication.k8s.io/v1/tokenreviews':
		return ['reviews', ...review(body)];
	case 'GET /oidc/.well-known/openid-configuration':
		return ['discovery', 200, discovery(here + '/oidc', here + '/oidc/jwks', 'ES256')];
	case 'GET /oidc/jwks':
		return ['oidc', 200, keySet(oidc)];
	default:
		return ['other', 404, failure(404, 'NotFound', 'the server could not find the requested resource')];
	}
}

// How an answer goes wrong. Each gets the response and the right body.
const moods = {
	500: (response) => response.writeHead(500).end('{"kind":"Status","status":"Failure","code":500}'),
	429: (response) => response.writeHead(429, { 'Retry-After': '1' }).end(),
	redirect: (response) => response.writeHead(302, { Location: `https://localhost:${server.port}/oidc/jwks` }).end(),
	hang: () => {},
	drop: (response) => response.destroy(),
	empty: (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(),
	garbage: (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(crypto.randomBytes(4096)),
	html: (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html><body>log in</body></html>'),
	wrong: (response) => response.writeHead(200, { 'Content-Type': 'application/json' })
		.end('{"keys":"none","kind":"Pod","status":[true]}'),
	cut: (response, body) => {
		response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
		response.write(body.slice(0, body.length / 2), () => response.destroy());
	},
	huge: (response) => {
		const piece = Buffer.alloc(1 << 20, ' ');
		let left = 256;
		response.writeHead(200, { 'Content-Type': 'application/json' });
		const more = () => {
			while (left-- > 0 && !response.destroyed)
				if (!response.write(piece))
					return response.once('drain', more);
			return response.end('{"keys":[]}');
		};
		more();
	},
	slow: (response, body) => {
		let at = 0;
		response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
		const timer = setInterval(() => response.write(body.slice(at, ++at)), 500);
		response.on('close', () => clearInterval(timer));
	},
};

function collect(request, then) {
	let body = '';
	request.on('data', (chunk) => { body += chunk; });
	request.on('end', () => then(body));
}

const server = { port: 0, sockets: new Set() };
server.https = https.createServer({
	cert: fs.readFileSync(directory + '/tls.crt'),
	key: fs.readFileSync(directory + '/tls.key'),
}, (request, response) => collect(request, (body) => {
	let kind, status, answer, type;
	try {
		[kind, status, answer, type] = route(request, body);
	} catch (error) {
		[kind, status, answer] = ['other', 400, failure(400, 'BadRequest', 'the body is malformed')];
	}
	const text = JSON.stringify(answer);
	count[kind]++;
	if (moods[mode[kind]])
		return moods[mode[kind]](response, text);
	return response.writeHead(status, { 'Content-Type': type || 'application/json', 'Cache-Control': 'public, max-age=3600' })
		.end(text);
}));
server.https.on('tlsClientError', () => {});
server.https.on('connection', (socket) => {
	server.sockets.add(socket);
	socket.on('error', () => {});
	socket.on('close', () => server.sockets.delete(socket));
});

// ---- what the test says ----

function rotate(of, ask) {
	of.keys = [jose.makeKey(of.alg), ...(ask.keep ? of.keys : [])];
}

function setMode(ask) {
	for (const [kind, word] of Object.entries(ask)) {
		if (!(kind in mode) || !(word === 'well' || word in moods))
			throw new Error(`no mode ${kind} ${word}`);
		mode[kind] = word;
	}
}

const commands = {
	'POST /mint': (ask) => [].concat(ask).map(mint).join('\n'),
	'POST /oidc/mint': (ask) => [].concat(ask).map(mintOidc).join('\n'),
	'POST /rotate': (ask) => rotate(cluster, ask),
	'POST /oidc/rotate': (ask) => rotate(oidc, ask),
	'POST /delete': (ask) => (ask.pod ? pods.delete(ask.ns + '/' + ask.pod) : accounts.delete(ask.ns + '/' + ask.sa)),
	'POST /mode': setMode,
	'POST /close': () => new Promise((resolve) => {
		server.https.close(() => resolve());
		server.sockets.forEach((socket) => socket.destroy());
	}),
	'POST /open': () => new Promise((resolve, reject) => {
		server.https.once('error', reject);
		server.https.listen(server.port, '127.0.0.1', () => resolve());
	}),
	'GET /key': () => first(cluster).privateKey.export({ type: 'pkcs8', format: 'pem' }),
	'GET /oidc/key': () => first(oidc).privateKey.export({ type: 'pkcs8', format: 'pem' }),
	'GET /jwks': () => JSON.stringify(keySet(cluster)),
	'GET /oidc/jwks': () => JSON.stringify(keySet(oidc)),
	'GET /count': () => JSON.stringify(count),
};

const control = http.createServer((request, response) => collect(request, async (body) => {
	const command = commands[`${request.method} ${request.url}`];
	try {
		if (!command)
			throw new Error('no such command');
		const said = await command(body ? JSON.parse(body) : {});
		response.end(typeof said === 'string' ? said + '\n' : '');
	} catch (error) {
		response.writeHead(400).end(error.message + '\n');
	}
}));

server.https.listen(0, '127.0.0.1', () => {
	server.port = server.https.address().port;
	control.listen(0, '127.0.0.1', () => console.log(`${server.port} ${control.address().port}`));
});

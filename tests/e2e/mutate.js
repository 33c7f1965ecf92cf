// Send requests with mistakes in them, the same ones in every run, and count the answers' statuses:
//     node mutate.js PORT BODY-FILE TOKEN-FILE OPERATOR-HOME COUNT
// Mistakes are octets changed, dropped, doubled or inserted, requests cut short, and some raw octets instead of TLS.
'use strict';
const fs = require('fs');
const net = require('net');
const tls = require('tls');

const [portText, bodyFile, tokenFile, home, countText] = process.argv.slice(2);
const port = Number(portText);
const count = Number(countText);
const atOnce = 16;
const body = fs.readFileSync(bodyFile, 'utf8');
const token = fs.readFileSync(tokenFile, 'utf8');
const operator = { cert: fs.readFileSync(home + '/tls.crt'), key: fs.readFileSync(home + '/tls.key') };

let seed = 20260101;
function random(n) { // mulberry32
	seed = (seed + 0x6d2b79f5) | 0;
	let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
	t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
	return ((t ^ (t >>> 14)) >>> 0) % n;
}

function request(method, path, headers, content) {
	const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers];
	if (content !== undefined)
		lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(content)}`);
	return Buffer.from(lines.join('\r\n') + '\r\n\r\n' + (content || ''), 'latin1');
}

const bearer = `Authorization: Bearer ${token}`;
const chunked = Buffer.from('POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
	'Transfer-Encoding: chunked\r\n\r\n16\r\n{"dns":["a.internal"]}\r\n0\r\n\r\n', 'latin1');
const seeds = [
	request('POST', '/v1/certificates', [bearer], body),
	request('POST', '/v1/certificates', [], body),
	request('POST', '/v1/tokens', [], '{"profile":"service","dns":["a.internal"],"ip":["10.0.0.1"],"ttl":"1h","uses":2}'),
	request('GET', '/v1/certificates?name=*.internal&status=any&limit=3&expires_after=2020-01-01T00:00:00Z', []),
	request('GET', '/v1/certificates/0123456789abcdef', ['Accept: application/pem-certificate-chain;q=0.5, */*;q=0.1']),
	request('POST', '/v1/certificates/0123456789abcdef/revoke', [], '{"reason":"keyCompromise"}'),
	request('DELETE', '/v1/tokens/0123456789abcdef0123456789abcdef', []),
	request('GET', '/v1/trust-bundle?tenant=default', ['Accept: application/json']),
	chunked,
];
const interesting = ['\0', '\r', '\n', '"', '\\', '{', '[', '%', '%00', ',', ';', ':', ' ', '-', '../', '\xff', '99999999999999999999',
	'\\u0000', '\\ud800', 'é', 'null', '=', '&', '.', 'a'.repeat(5000)];

function mutateOnce(data) {
	const at = random(data.length || 1);
	const end = Math.min(data.length, at + 1 + random(1 + random(200)));
	switch (random(6)) {
	case 0: {
		const copy = Buffer.from(data);
		copy[at] ^= 1 << random(8);
		return copy;
	}
	case 1:
		return Buffer.concat([data.subarray(0, at), data.subarray(end)]);
	case 2:
		return Buffer.concat([data.subarray(0, end), data.subarray(at)]);
	case 3:
	case 4:
		return Buffer.concat([data.subarray(0, at), Buffer.from(interesting[random(interesting.length)], 'latin1'),
			data.subarray(at)]);
	default:
		return random(3) ? Buffer.concat([data, data.subarray(at)]) : data.subarray(0, at);
	}
}

function mutate(data) {
	for (let i = 1 + random(4); i > 0; i--)
		data = mutateOnce(data);
	return data;
}

// Mistakes in a body stand behind a head that fits it, so that they reach what reads the body.
function mutateBody(data) {
	const split = data.indexOf('\r\n\r\n') + 4;
	const changed = mutate(data.subarray(split));
	const head = data.subarray(0, split).toString('latin1').replace(/Content-Length: \d+/, `Content-Length: ${changed.length}`);
	return Buffer.concat([Buffer.from(head, 'latin1'), changed]);
}

const statuses = new Map();
function send(data, options) {
	return new Promise((resolve) => {
		let got = '';
		const socket = options.raw ? net.connect(port, '127.0.0.1') :
			tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...(options.operator ? operator : {}) });
		socket.once(options.raw ? 'connect' : 'secureConnect', () => {
			if (options.end)
				socket.end(data);
			else
				socket.write(data);
		});
		socket.on('data', (chunk) => {
			got += chunk.toString('latin1');
			if (!options.end && got.includes('\r\n\r\n'))
				socket.destroy();
		});
		socket.on('error', () => {});
		socket.setTimeout(200, () => socket.destroy());
		socket.on('close', () => {
			const match = /^HTTP\/1\.1 (\d{3})/.exec(got);
			const status = match ? match[1] : 'no answer';
			statuses.set(status, (statuses.get(status) || 0) + 1);
			resolve();
		});
	});
}

async function main() {
	let sent = 0;
	async function worker() {
		while (sent < count) {
			sent++;
			const base = seeds[random(seeds.length)];
			const withBody = base.indexOf('Content-Length') >= 0;
			const data = withBody && random(2) ? mutateBody(base) : mutate(base);
			await send(data, { raw: random(20) === 0, operator: random(2) === 0, end: random(4) === 0 });
		}
	}
	await Promise.all(Array.from({ length: atOnce }, worker));
	console.log(`sent ${sent}`);
	for (const [status, n] of [...statuses].sort())
		console.log(`${status}: ${n}`);
}
main();

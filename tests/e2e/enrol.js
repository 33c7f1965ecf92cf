// Many workloads enrol at once, each with a bearer token of its own:
//     node enrol.js URL CA.crt [SECONDS] <lines
// A line each, with tabs between: a label, the token, a file with a CSR, and a JSON object with what else is in the body. A
// line for each comes back in the same order: the label, the status, the code of a refusal ("-" when there is none), the
// certificate's subjectAltName as OpenSSL reads it, its names sorted. With SECONDS, who hears 503 or that the key is not
// known asks again until then, as a workload would.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');

const [url, ca, seconds] = process.argv.slice(2);
const parallel = 16;
const agent = new https.Agent({ ca: fs.readFileSync(ca), keepAlive: true, maxSockets: parallel, timeout: 60000 });
const csrs = new Map();

function csr(file) {
	if (!csrs.has(file))
		csrs.set(file, fs.readFileSync(file, 'utf8'));
	return csrs.get(file);
}

function post(token, body) {
	return new Promise((resolve) => {
		const request = https.request(url + '/v1/certificates', {
			method: 'POST', agent,
			headers: { 'Authorization': 'Bearer ' + token, 'Content-Type': 'application/json', 'Content-Length': body.length },
		}, (response) => {
			let text = '';
			response.on('data', (chunk) => { text += chunk; });
			response.on('end', () => resolve({ status: response.statusCode, text }));
			response.on('error', () => resolve({ status: response.statusCode, text }));
		});
		request.on('timeout', () => request.destroy());
		request.on('error', () => resolve({ status: 0, text: '' }));
		request.end(body);
	});
}

const names = (pem) => (new crypto.X509Certificate(pem).subjectAltName || '').split(', ').sort().join(', ');

async function enrol(line) {
	const [label, token, file, more] = line.split('\t');
	const body = Buffer.from(JSON.stringify({ csr: csr(file), ...JSON.parse(more || '{}') }));
	const end = Date.now() + 1000 * Number(seconds || 0);
	for (;;) {
		const { status, text } = await post(token, body);
		let answer = {};
		try {
			answer = JSON.parse(text);
		} catch (error) {
			// Not every refusal is Mica's own.
		}
		const code = answer.code || '-';
		if ((status !== 503 && code !== 'jwt-key-unknown') || Date.now() > end)
			return [label, status, code, answer.certificate ? names(answer.certificate) : ''].join('\t');
		await new Promise((resolve) => setTimeout(resolve, 500));
	}
}

async function main() {
	const lines = fs.readFileSync(0, 'utf8').split('\n').filter((line) => line);
	const answers = new Array(lines.length);
	let next = 0;
	const worker = async () => {
		while (next < lines.length) {
			const mine = next++;
			answers[mine] = await enrol(lines[mine]);
		}
	};
	await Promise.all(Array.from({ length: parallel }, worker));
	answers.forEach((answer) => console.log(answer));
	agent.destroy();
}

main();

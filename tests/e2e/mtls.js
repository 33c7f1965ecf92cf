// Two of Node's TLS ends talk with certificates from directories (tls.crt, tls.key, ca.crt):
//     node mtls.js SERVER CLIENT HOST STRANGER
// A line for each try says who the server saw, or "refused".
'use strict';
const fs = require('fs');
const tls = require('tls');

const [server, client, host, stranger] = process.argv.slice(2);
const read = (dir) => ({
	cert: fs.readFileSync(dir + '/tls.crt'),
	key: fs.readFileSync(dir + '/tls.key'),
});
const roots = fs.readFileSync(server + '/ca.crt');

function attempt(port, version, credentials, name) {
	return new Promise((resolve) => {
		let got = '';
		const socket = tls.connect({
			...credentials, ca: roots, host: '127.0.0.1', port, servername: name, minVersion: version,
			maxVersion: version,
		});
		socket.on('data', (data) => { got += data; });
		socket.on('error', () => resolve('refused'));
		socket.on('close', () => resolve(got || 'refused'));
		socket.setTimeout(5000, () => socket.destroy());
	});
}

const listener = tls.createServer({ ...read(server), ca: roots, requestCert: true, rejectUnauthorized: true },
	(socket) => {
		socket.on('error', () => {});
		const peer = socket.getPeerCertificate();
		socket.end(socket.authorized ? peer.subject.CN : 'not authorized');
	});
listener.on('tlsClientError', () => {});
listener.listen(0, '127.0.0.1', async () => {
	const port = listener.address().port;
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		console.log(`${version} mica: ${await attempt(port, version, read(client), host)}`);
		console.log(`${version} stranger: ${await attempt(port, version, read(stranger), host)}`);
		console.log(`${version} nobody: ${await attempt(port, version, {}, host)}`);
	}
	console.log(`other name: ${await attempt(port, 'TLSv1.3', read(client), 'other.internal')}`);
	listener.close();
});

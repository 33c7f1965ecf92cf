// Badly behaved clients of a TLS port on loopback:
//     node clients.js stall|flood|drip|drip-body|idle|half-closed PORT COUNT
// stall sends 20 octets of a ClientHello, flood 1 MB of one that says it has 16; drip sends a header, and drip-body a body, at an octet a second for at most COUNT
// seconds; idle shakes hands and waits to be ended; half-closed sends a request and closes its side of the connection.
'use strict';
const net = require('net');
const tls = require('tls');

const [kind, portText, countText] = process.argv.slice(2);
const port = Number(portText);
const count = Number(countText);
const began = Date.now();
const hello = Buffer.from('16030100f8010000f40303c0ffee00c0ffee00c0', 'hex');
const options = { host: '127.0.0.1', port, rejectUnauthorized: false };
let connected = 0;
let closed = 0;
let expected = 1;

function onConnected() {
	if (++connected === expected)
		console.log(`connected ${connected}`);
}

function onClosed() {
	if (++closed === expected)
		console.log(`closed ${closed} within ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

function stall() {
	const socket = net.connect(port, '127.0.0.1', () => {
		socket.write(hello);
		onConnected();
	});
	socket.on('error', () => {});
	socket.on('close', onClosed);
	socket.resume();
}

function flood() {
	const record = Buffer.concat([Buffer.from('1603013e80', 'hex'), Buffer.alloc(16000)]);
	const first = Buffer.from(record);
	first.writeUInt32BE(0x01ffffff, 5); // client_hello, 2^24 - 1 octets
	const socket = net.connect(port, '127.0.0.1', () => {
		socket.write(first);
		for (let i = 1; i < 64; i++)
			socket.write(record);
		onConnected();
	});
	socket.on('error', () => {});
	socket.on('close', onClosed);
	socket.resume();
}

function idle() {
	const socket = tls.connect(options, onConnected);
	socket.on('error', () => {});
	socket.on('close', onClosed);
}

function drip(start, rest) {
	const socket = tls.connect(options, () => {
		onConnected();
		socket.write(start);
		let i = 0;
		const timer = setInterval(() => {
			if (i >= count)
				socket.destroy();
			else
				socket.write(rest[i++ % rest.length]);
		}, 1000);
		socket.on('close', () => clearInterval(timer));
	});
	socket.on('error', () => {});
	socket.on('data', () => {});
	socket.on('close', onClosed);
}

function halfClosed() {
	let got = '';
	const socket = tls.connect({ ...options, allowHalfOpen: true }, () => {
		socket.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
	});
	socket.on('data', (data) => { got += data; });
	socket.on('error', () => {});
	socket.on('close', () => console.log(got.slice(0, 12)));
}

switch (kind) {
case 'stall':
case 'flood':
case 'idle':
	expected = count;
	for (let i = 0; i < count; i++)
		({ stall, flood, idle })[kind]();
	break;
case 'drip':
	drip('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 'a');
	break;
case 'drip-body':
	drip('POST /v1/certificates HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
		'Content-Length: 1000\r\n\r\n', ' ');
	break;
case 'half-closed':
	halfClosed();
	break;
default:
	process.exit(2);
}

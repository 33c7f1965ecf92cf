// A server that is not Mica: it shows the certificate of a directory (tls.crt, tls.key), answers every GET with a file, or
// everything with a status and the file as a problem document, and writes each request that it gets, head and body, to
// standard output:
//     node double.js DIRECTORY ANSWER-FILE [STATUS]
// The first line it prints is its port.
'use strict';
const fs = require('fs');
const https = require('https');

const [dir, answer, status] = process.argv.slice(2);
const server = https.createServer({
	cert: fs.readFileSync(dir + '/tls.crt'),
	key: fs.readFileSync(dir + '/tls.key'),
}, (request, response) => {
	let body = '';
	request.on('data', (chunk) => { body += chunk; });
	request.on('end', () => {
		console.log(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
		if (status)
			response.writeHead(Number(status), { 'Content-Type': 'application/problem+json', 'Retry-After': '1' });
		else
			response.writeHead(request.method === 'GET' ? 200 : 500, { 'Content-Type': 'application/pem-certificate-chain' });
		response.end(fs.readFileSync(answer));
	});
});
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

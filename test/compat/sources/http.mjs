// http.mjs: keeps values: PUT stores a body under its path, GET gives it back, if its digest, made
// on a thread of libuv's pool, is still the same. The rule: answers come from the one Map.
import { pbkdf2 } from 'node:crypto';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

const digest = (body) => promisify(pbkdf2)(body, 'salt', 1, 16, 'sha256');
const values = new Map();

async function answer(request) {
  if (request.method === 'GET') {
    const kept = values.get(request.url);
    if (!kept) return [404, 'none'];
    const isSame = (await digest(kept.body)).equals(kept.digest);
    return isSame ? [200, kept.body] : [500, 'changed'];
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  values.set(request.url, { body, digest: await digest(body) });
  return [200, `stored ${body.length}`];
}

const server = createServer((request, response) => {
  answer(request).then(([status, body]) => {
    response.writeHead(status, { 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }, (error) => response.destroy(error));
});
server.keepAliveTimeout = 600_000;
server.listen(8000, '0.0.0.0');

// A cluster DNS for the test cluster: addresses of Services, by asking the API server each time.
import { createSocket } from 'node:dgram';

const typeA = 1;
const noSuchName = 3;

/** Serves DNS at an address. Shape: `addressesOf(service, namespace)` gives addresses, or null for an unknown Service. */
export function serveDns(host, addressesOf) {
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const question = readQuestion(query);
    if (question === null) return;
    void answer(question, addressesOf).then(({ code, addresses }) =>
      socket.send(writeAnswer(query, question, code, addresses), peer.port, peer.address),
    );
  });
  socket.bind(53, host);
}

async function answer({ name, type }, addressesOf) {
  const [, service, namespace] = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(name.toLowerCase()) ?? [];
  const found = service === undefined ? null : await addressesOf(service, namespace);
  if (found === null) return { code: noSuchName, addresses: [] };
  return { code: 0, addresses: type === typeA ? found : [] };
}

function readQuestion(query) {
  const labels = [];
  let at = 12;
  while (at < query.length && query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    at += query[at] + 1;
  }
  if (at + 5 > query.length) return null;
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), endsAt: at + 5 };
}

function writeAnswer(query, { endsAt }, code, addresses) {
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  // A response that is authoritative, for a question that asked for recursion.
  head.writeUInt16BE(0x8580 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    // The name is that of the question.
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(typeA, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(1, 6);
    record.writeUInt16BE(4, 10);
    for (const [index, part] of address.split('.').entries()) record[12 + index] = Number(part);
    return record;
  });
  return Buffer.concat([head, query.subarray(12, endsAt), ...records]);
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The faults of a fake Firecracker. */
export type FirecrackerFault =
  | 'none'
  | 'dies'
  | 'refuses'
  | 'silent'
  | 'garbage'
  | 'seccomp'
  | 'poweroff'
  | 'bad-snapshot'
  | 'killed-in-restore';

/**
 * The path of a program that speaks as Firecracker does: its API, a serial port on its standard output, a vsock whose
 * guest echoes. It writes its requests to `requests.jsonl`.
 */
export function writeFakeFirecracker(dir: string, fault: FirecrackerFault): string {
  const path = join(dir, `firecracker-${fault}`);
  writeFileSync(
    path,
    `#!${process.execPath}\nconst fault = ${JSON.stringify(fault)}, dir = ${JSON.stringify(dir)};\n${program}`,
    {
      mode: 0o755,
    },
  );
  return path;
}

const program = `
const { createServer } = require('node:net');
const { appendFileSync, existsSync, writeFileSync } = require('node:fs');
const api = process.argv[process.argv.indexOf('--api-sock') + 1];
if (process.argv.includes('--version')) {
  console.log('Firecracker v1.2.3');
  process.exit(0);
}
if (fault === 'dies' || existsSync(api)) {
  console.error('Failed to open the API socket');
  process.exit(1);
}
let state = 'Not started';
const answer = (method, path, body) => {
  if (fault === 'refuses' && path === '/boot-source') return [400, { fault_message: 'The kernel file cannot be opened' }];
  if (path === '/snapshot/load') {
    if (fault === 'bad-snapshot') return [400, { fault_message: 'Failed to restore from snapshot' }];
    if (fault === 'killed-in-restore') process.kill(process.pid, 'SIGKILL');
    state = 'Paused';
  }
  if (path === '/snapshot/create') for (const file of [body.snapshot_path, body.mem_file_path]) writeFileSync(file, 'saved');
  if (path === '/vsock' || path === '/snapshot/load') {
    createServer((client) => {
      client.once('data', (first) => {
        const end = first.indexOf(10);
        client.write('OK 1073741824\\n');
        client.write(first.subarray(end + 1));
        client.pipe(client);
      });
      client.on('error', () => undefined);
    }).listen(body.uds_path ?? 'channel.sock');
  }
  if (path === '/actions') {
    if (fault === 'seccomp') process.exit(148);
    process.stdout.write('F');
    state = 'Running';
    if (fault === 'poweroff') setTimeout(() => process.exit(0), 20);
  }
  if (path === '/vm') state = body.state === 'Paused' ? 'Paused' : 'Running';
  return method === 'GET' ? [200, path === '/' ? { state } : { 'machine-config': {} }] : [204, null];
};
createServer((client) => {
  client.on('error', () => undefined);
  client.on('data', (data) => {
    if (fault === 'silent') return;
    if (fault === 'garbage') return client.write('220 mail ready\\r\\n\\r\\n');
    const [head, text] = data.toString().split('\\r\\n\\r\\n');
    const [method, path] = head.split(' ');
    const body = text === '' ? null : JSON.parse(text);
    appendFileSync(dir + '/requests.jsonl', JSON.stringify({ method, path, body }) + '\\n');
    const [status, reply] = answer(method, path, body);
    const out = reply === null ? '' : JSON.stringify(reply);
    const length = out === '' ? '' : 'Content-Length: ' + out.length + '\\r\\n';
    // In two pieces, as a stream may bring it.
    client.write('HTTP/1.1 ' + status + ' \\r\\nServer: Fire');
    setImmediate(() => client.write('cracker API\\r\\n' + length + '\\r\\n' + out));
  });
}).listen(api);
setInterval(() => undefined, 1000);
`;

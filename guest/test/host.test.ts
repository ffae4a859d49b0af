/** Ember's own data structures and functions, compiled for the host and checked there. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findLwip } from '../../build/lwip.mjs';
import { createHostCompiler, guestDir as guest } from './compile-for-host.ts';

const { compile, link, remove } = createHostCompiler();
afterAll(remove);

/** Names that also exist in the C library get a prefix, so that both can be called. */
const renamed = (...names: string[]) => names.map((name) => `-D${name}=ember_${name}`);

const programs: Record<string, { readonly source: string; readonly flags: string[] }> = {
  memory: { source: 'rt/memory.c', flags: renamed('memcpy', 'memmove', 'memset', 'memcmp', 'strlen') },
  math: {
    source: 'rt/math.c',
    flags: [
      ...renamed('fabs', 'copysign', 'sqrt', 'nearbyint', 'nearbyintf', 'trunc', 'floor', 'ceil'),
      '-D__popcountdi2=ember_popcountdi2',
    ],
  },
  format: { source: 'rt/format.c', flags: [] },
  random: { source: 'rt/random.c', flags: [] },
  virtq: { source: 'dev/virtio.c', flags: [] },
  pci: { source: 'dev/virtio-pci.c', flags: [] },
  vsock: { source: 'dev/vsock.c', flags: [] },
  card: { source: 'dev/virtio-net.c', flags: [] },
  disk: { source: 'dev/virtio-blk.c', flags: [] },
  given: { source: 'net/given.c', flags: [] },
  folder: { source: 'dev/virtio-9p.c', flags: [] },
  mmio: { source: 'dev/virtio-mmio.c', flags: ['-include', path.join(guest, 'test/host/fake-registers.h')] },
  calls: { source: 'kernel/calls.c', flags: ['-include', path.join(guest, 'test/host/fake-cpu.h')] },
};

/** Runs a program of checks. Each of its lines begins with `ok`, or is a failure. */
function runChecks(name: string, objects: readonly string[]): void {
  const program = link(name, objects);
  let output: string;
  try {
    output = execFileSync(program, { encoding: 'utf8' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    output = `${stdout}${stderr}`;
  }
  const lines = output.trim().split('\n');
  expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
  expect(lines.length).toBeGreaterThan(3);
}

for (const [name, { source, flags }] of Object.entries(programs)) {
  it(`${source} keeps its promises`, () =>
    runChecks(name, [compile(source, `${name}-subject.o`, flags), compile(`test/host/${name}.c`, `${name}-test.o`)]));
}

it('dev/virtio-serial.c takes nothing from a used ring that it has not offered', () => {
  const sources = ['test/host/serial.c', 'dev/virtio-serial.c', 'dev/virtio.c'];
  runChecks(
    'serial',
    sources.map((source) => compile(source, `port-${source.replaceAll('/', '-')}.o`)),
  );
});

it('http/response.c reads the responses of other servers, right ones and wrong ones', () => {
  const sources = ['test/host/response.c', ...['buffer', 'request', 'response'].map((name) => `http/${name}.c`)];
  runChecks(
    'response',
    sources.map((source) => compile(source, `plain-${source.replaceAll('/', '-')}.o`, ['-D_GNU_SOURCE='])),
  );
});

it('http/request.c takes what the standard allows, and refuses the rest', () => {
  const sources = ['test/host/request.c', ...['buffer', 'request'].map((name) => `http/${name}.c`)];
  runChecks(
    'request',
    sources.map((source) => compile(source, `asked-${source.replaceAll('/', '-')}.o`, ['-D_GNU_SOURCE='])),
  );
});

it('http/answer.c writes answers that a client understands', () => {
  const sources = ['test/host/answer.c', ...['answer', 'buffer', 'date'].map((name) => `http/${name}.c`)];
  runChecks(
    'answer',
    sources.map((source) => compile(source, `answer-${source.replaceAll('/', '-')}.o`, ['-D_GNU_SOURCE='])),
  );
});

const lwip = findLwip();

it.skipIf(lwip === null)(
  'the network serves a client that sends right frames and wrong ones, at an address of its own or by DHCP (needs lwIP)',
  () => {
    if (lwip === null) return;
    const flags = [
      ...[
        '-DEMBER_NETWORK',
        '-D_GNU_SOURCE=',
        '-DSSIZE_MAX=__INT_MAX__',
        '-include',
        'sys/types.h',
        '-include',
        'string.h',
      ],
      // Only their own headers: those of the C library are the host's.
      ...[
        '-iquote',
        path.join(guest, 'net/include'),
        '-iquote',
        path.join(guest, 'net'),
        '-I',
        path.join(lwip.dir, 'src/include'),
      ],
    ];
    const ours = [
      ...['stack', 'given', 'lease', 'server', 'clients', 'fetch'].map((name) => `net/${name}.c`),
      'rt/format.c',
      ...['answer', 'buffer', 'date', 'event', 'request', 'response'].map((name) => `http/${name}.c`),
    ];
    const objectOf = (source: string) => compile(source, `${source.replaceAll('/', '-')}.o`, flags);
    const stack = [
      ...ours.map(objectOf),
      ...lwip.sources.map((source) => compile(source, `lwip-${path.basename(source)}.o`, [...flags, '-w'])),
    ];
    runChecks('network', [...stack, objectOf('test/host/network.c')]);
    runChecks('lease', [...stack, objectOf('test/host/lease.c')]);
  },
  120_000,
);

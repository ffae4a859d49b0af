import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootFsAt, bootMarker, writeOverlay } from '@firstlight/disk';
import { klogBytes } from '@firstlight/tfs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runTool } from '#core/exec/run-tool.ts';
import { consoleOf } from '../crash/testing/consoles.ts';
import { playInstance } from '../testing/instance-link.ts';
import { openNanosSession } from './nanos-session.ts';
import type { SessionInfo } from './session-info.ts';
import { readyMarker } from './wire.ts';

const marker = String.fromCharCode(bootMarker);
const request = { event: null, timeoutMs: 20_000 };
let dir: string;
let disk: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-job-'));
  disk = join(dir, 'disk.qcow2');
  await writeFile(join(dir, 'base'), '');
  await writeOverlay(disk, { name: join(dir, 'base'), format: 'raw' }, 16 * 1024 * 1024);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function leave(code: number): Promise<void> {
  const sector = Buffer.alloc(512);
  sector.write('KLOG');
  sector.writeInt32LE(code, 12);
  await writeFile(join(dir, 'sector'), sector);
  const write = `write -s ${join(dir, 'sector')} ${bootFsAt - klogBytes} 512`;
  await runTool('qemu-io', ['-f', 'qcow2', '-c', write, disk]);
}

const play = (more: Partial<SessionInfo> = {}) => {
  const instance = playInstance({ kind: 'job', disk, ...more });
  return { ...instance, session: openNanosSession(instance.link) };
};
/** True while this process has a file open below the test's folder. */
const isOpen = () =>
  readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  });
const untilClosed = async () => {
  while (isOpen()) await new Promise((resolve) => setTimeout(resolve, 5));
};

it('answers with what the program printed, once it has ended', async () => {
  const { session, say, end } = play();
  const answering = session.invoke(request);
  say(`${marker}[0.1] en1: assigned 10.0.2.15\r\nhéllo\r\n`);
  await session.ready;
  say('[2] brk(0x0) = 0x1000\nbye\n');
  end();
  const { outcome, hostMarks } = await answering;
  expect(outcome).toMatchObject({
    ok: true,
    ended: true,
    response: { status: 200, body: { kind: 'text', value: 'héllo\r\nbye\n' }, bytes: 12 },
  });
  expect(hostMarks?.map(({ name }) => name)).toEqual(['boot.sector', 'network.address', 'program.output']);
  await untilClosed();
});

it('answers with megabytes byte for byte, and says so when it is too much', async () => {
  const { session, say, end } = play({ hasDiagnostics: false });
  const answering = session.invoke(request);
  say(`${marker}[0.100000] en1: assigned 10.0.2.15\n`);
  // Neither a multiple of any piece, nor with an end of line.
  const piece = Buffer.alloc(99_991, 'abc\u0000\u0001');
  for (let i = 0; i < 30; i++) say(piece);
  await session.ready;
  end();
  const { outcome } = await answering;
  expect(outcome).toMatchObject({ ok: true, response: { bytes: 30 * piece.length } });
  expect(outcome.ok && outcome.response.body).toEqual({ kind: 'text', value: piece.toString().repeat(30) });
  await untilClosed();

  const much = play({ hasDiagnostics: false });
  const refused = much.session.invoke(request);
  much.say(marker);
  for (let i = 0; i < 180; i++) much.say(piece);
  await much.session.ready;
  much.end();
  expect((await refused).outcome).toMatchObject({
    ok: false,
    error: {
      code: 'RESPONSE_NOT_SERIALIZABLE',
      message: 'The program printed more than 16.0 MiB, which an answer can have.',
    },
  });
  await untilClosed();
});

it('answers byte for byte when the kernel prints no diagnostics', async () => {
  const { session, say, end } = play({ hasDiagnostics: false });
  const answering = session.invoke(request);
  const printed = Buffer.concat([Buffer.from('[2] brk(0x0) = mine\n'), Buffer.from([0x80, 0xff, 0x0a])]);
  say(`${marker}[0.100000] en1: assigned 10.0.2.15\n`);
  say(printed);
  await session.ready;
  end();
  expect((await answering).outcome).toMatchObject({
    ok: true,
    response: { body: { kind: 'bytes', base64: printed.toString('base64') }, bytes: printed.length },
  });
  await untilClosed();
});

it('answers with lines in the kernel’s own form, of which only those that it has to say are its own, once', async () => {
  const kernelSays = ['en1: assigned 10.0.2.15', 'en1: assigned FE80::5054:FF:FE12:3456'];
  const { session, say, end } = play({ hasDiagnostics: false, kernelSays });
  const answering = session.invoke(request);
  say(`${marker}[0.100000] en1: assigned 10.0.2.15\n`);
  const printed = [
    '[0.100000] en1: assigned 10.0.2.15\n',
    '[0.2] en1: assigned 10.9.9.9\n[0.3] NET: no network interface found\n',
    `[0.4] gitversion: mine\n${readyMarker}total: `,
    '42\n',
    'and: [1.5] en1: assigned FE80::5054:FF:FE12:3456\n',
  ];
  for (const text of printed.slice(0, 3)) say(text);
  say('[1.234567] en1: assigned FE80::5054:FF:FE12:3456\n');
  for (const text of printed.slice(3)) say(text);
  await session.ready;
  end();
  const { outcome, hostMarks } = await answering;
  expect(outcome.ok && outcome.response.body).toEqual({ kind: 'text', value: printed.join('') });
  expect(hostMarks?.map(({ name }) => name)).toEqual(['boot.sector', 'network.address', 'program.output']);
  await untilClosed();
});

it('knows that a guest without a network has started its program by the one line that its kernel prints', async () => {
  const { session, say, end } = play({ hasDiagnostics: false, kernelSays: ['NET: no network interface found'] });
  const answering = session.invoke(request);
  say(`${marker}[0.100000] NET: no network interface found\n[0.100000] NET: no network interface found`);
  await session.ready;
  end();
  const { outcome, hostMarks } = await answering;
  expect(outcome.ok && outcome.response.body).toMatchObject({ value: '[0.100000] NET: no network interface found' });
  expect(hostMarks?.map(({ name }) => name)).toEqual(['boot.sector', 'network.none']);
  await untilClosed();
});

it('fails with the exit code that the kernel left', async () => {
  const { session, say, end } = play();
  const answering = session.invoke(request);
  say(`${marker}what went wrong\n`);
  await leave(3);
  end();
  expect((await answering).outcome).toMatchObject({
    fatal: true,
    error: {
      code: 'FUNCTION_CRASHED',
      message: 'The program ended with exit code 3.',
      details: { output: 'what went wrong\n' },
    },
  });
  await untilClosed();
});

it('answers when firstlight.json expects that code', async () => {
  const { session, say, end } = play({ expectedExitCode: [3, 4] });
  const answering = session.invoke(request);
  say(marker);
  await leave(4);
  end();
  expect((await answering).outcome).toMatchObject({ ok: true, ended: true });
  await untilClosed();
});

it('leaves a crash to be reported by the manager of the instance', async () => {
  const { session, say, end } = play();
  const answering = session.invoke(request);
  say(marker);
  say(consoleOf('user-fault'));
  end();
  expect((await answering).outcome).toMatchObject({ fatal: true, error: { code: 'CHANNEL_BROKEN' } });
  await untilClosed();
});

it('is given up on when it does not end in time, and closes the disk', async () => {
  const { session, say } = play();
  const answering = session.invoke({ ...request, timeoutMs: 20 });
  say(marker);
  expect((await answering).outcome).toMatchObject({ fatal: true, error: { code: 'FUNCTION_TIMEOUT' } });
  session.close();
  await untilClosed();
});

it('closes the disk of one that was never called', async () => {
  const { session } = play();
  while (!isOpen()) await new Promise((resolve) => setTimeout(resolve, 5));
  session.close();
  await untilClosed();
  expect(isOpen()).toBe(false);
});

it('runs once', async () => {
  const { session, end } = play();
  const first = session.invoke(request);
  end();
  expect((await first).outcome.ok).toBe(true);
  expect((await session.invoke(request)).outcome).toMatchObject({ error: { code: 'CONFLICT' } });
  const adopted = openNanosSession(playInstance({ kind: 'job', disk }, { fresh: false }).link);
  expect((await adopted.invoke(request)).outcome).toMatchObject({ error: { code: 'CONFLICT' } });
});

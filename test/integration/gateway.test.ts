import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Gateway } from '#shared/model/gateway.ts';
import { domains, makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');
const reason = whyNot();

/** Answers with its event, waits on demand, and fails on demand. */
const source = `
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let count = 0;
export default async (event) => {
  count++;
  if (event.query.wait) await sleep(Number(event.query.wait));
  if (event.query.fail) throw new Error('on purpose');
  if (event.path === '/bytes') return { status: 203, headers: { 'x-own': 'yes', connection: 'close' }, body: new Uint8Array([0, 255]) };
  return { ...event, headers: undefined, type: event.headers['content-type'], count };
};`;

describe.skipIf(reason !== null)(`the gateway${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let studio: Studio;
  let gateway: Gateway;

  const start = async (more: object = {}) => {
    gateway = await studio.client.call('gateway:start', { ...more });
  };
  const stop = () => studio.client.call('gateway:stop', {});
  const get = (path: string, init?: RequestInit) => fetch(`${gateway.url}${path}`, init);
  const ours = () => domains().filter((name) => name.startsWith('firstlight-echo'));

  beforeAll(async () => {
    studio = await openStudio({ home });
    await studio.project('echo', source);
  });
  afterAll(async () => {
    await studio?.close();
    removeHome(home);
  });

  it('starts an instance with the first request, records its cold start, and serves the next ones warm', async () => {
    await start();
    expect(gateway.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(ours()).toEqual([]);
    const cold = await get('/function/echo/a/b?x=1&y=%20z', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"k":[1]}',
    });
    expect(await cold.json()).toEqual({
      method: 'POST',
      path: '/a/b',
      query: { x: '1', y: ' z' },
      body: { k: [1] },
      type: 'application/json',
      count: 1,
    });
    expect(cold.headers.get('firstlight-start')).toBe('cold');
    const run = await studio.client.call('runs:get', { runId: cold.headers.get('firstlight-run') as never });
    expect(run).toMatchObject({ outcome: 'ok', functionName: 'echo', startMode: 'cold', timeline: { complete: true } });

    const warm = await get('/function/echo', { method: 'PUT', body: 'text' });
    expect(await warm.json()).toMatchObject({ path: '/', body: 'text', count: 2 });
    expect([warm.headers.get('firstlight-start'), warm.headers.get('firstlight-run')]).toEqual(['warm', null]);
    expect(ours()).toHaveLength(1);

    const bytes = await get('/function/echo/bytes');
    expect([bytes.status, bytes.headers.get('x-own')]).toEqual([203, 'yes']);
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([0, 255]));

    const failed = await get('/function/echo?fail=1');
    expect([failed.status, await failed.json()]).toEqual([
      500,
      expect.objectContaining({ error: expect.stringContaining('on purpose'), code: 'FUNCTION_THREW' }),
    ]);
    const counted = { requests: 4, concurrency: 2, lastColdStart: { runId: run.id } };
    expect(await (await get('/')).json()).toMatchObject({
      functions: [{ name: 'echo', instances: 1, instanceIds: [run.instance?.id], busy: 0, ...counted }],
    });
    await stop();
    expect(ours()).toEqual([]);
  });

  it('refuses by name, by path, by host name and by size, in plain words', async () => {
    await start();
    const absent = await get('/function/nobody');
    expect([absent.status, await absent.json()]).toEqual([
      404,
      { error: 'No function "nobody" is open.', code: 'NOT_FOUND', hint: 'There are: echo' },
    ]);
    expect((await get('/elsewhere')).status).toBe(404);
    const tooLong = await get('/function/echo', { method: 'POST', body: 'x'.repeat(16 * 1024 * 1024 + 1) });
    expect(tooLong.status).toBe(413);
    // A page that rebinds its domain to 127.0.0.1; fetch sets the Host header itself.
    const rebound = httpRequest(`${gateway.url}/function/echo`, { headers: { host: 'evil.example' } }).end();
    const [answer] = await once(rebound, 'response');
    expect(answer.statusCode).toBe(421);
    answer.resume();
    expect(ours()).toEqual([]);
    await expect(studio.client.call('gateway:start', {})).rejects.toMatchObject({ code: 'CONFLICT' });
    await stop();
  });

  it('limits instances and waiting requests, and answers 429 and 504 beyond', async () => {
    await start({ concurrency: 1, queue: 1, deadlineMs: 20_000 });
    expect((await get('/function/echo')).status).toBe(200);
    const slow = get('/function/echo?wait=3000');
    const functions = async () => (await studio.client.call('gateway:status', {}))?.functions[0];
    await until('it is busy', async () => (await functions())?.busy === 1);
    const waiting = get('/function/echo');
    await until('one waits', async () => (await functions())?.waiting === 1);
    const refused = await get('/function/echo');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect([(await slow).status, (await waiting).status]).toEqual([200, 200]);
    await stop();

    await start({ deadlineMs: 5_000 });
    await get('/function/echo');
    const late = await get('/function/echo?wait=8000');
    expect([late.status, await late.json()]).toEqual([504, expect.objectContaining({ code: 'FUNCTION_TIMEOUT' })]);
    await stop();
  });

  it('goes back to zero when idle, takes an edit, and starts from what was created ahead', async () => {
    await start({ idleMs: 100, startMode: 'prestarted' });
    const first = await get('/function/echo');
    expect(first.headers.get('firstlight-start')).toBe('prestarted');
    const count = async () => (await studio.client.call('gateway:status', {}))?.functions[0]?.instances;
    await until('it is at zero', async () => (await count()) === 0);
    await stop();

    await start({ idleMs: 600_000 });
    await get('/function/echo');
    writeFileSync(join(home, 'p/echo/handler.ts'), 'export default () => "edited";');
    await until('the instance of before is gone', async () => (await count()) === 0);
    expect(await (await get('/function/echo')).json()).toBe('edited');
    await stop();
  });

  it('serves from the command line until Ctrl-C, and leaves no machine', async () => {
    // The studio of this test may have one that waits for its next prestarted run.
    const before = ours();
    const env = { ...process.env, FIRSTLIGHT_HOME: home, FIRSTLIGHT_ACCEL: 'tcg' };
    const cli = spawn(process.execPath, [cliPath, 'gateway', join(home, 'p/echo'), '--json'], { env });
    const lines = createInterface({ input: cli.stdout })[Symbol.asyncIterator]();
    const { url } = JSON.parse((await lines.next()).value);
    expect(await (await fetch(`${url}/function/echo`)).json()).toBe('edited');
    const { request } = JSON.parse((await lines.next()).value);
    expect(request).toMatchObject({ functionName: 'echo', status: 200, path: '/', error: null });
    expect(request.runId).not.toBeNull();
    expect(ours()).toHaveLength(before.length + 1);
    cli.kill('SIGINT');
    expect(await once(cli, 'exit')).toEqual([130, null]);
    await until('its machine is gone', () => ours().length === before.length);
  });
});

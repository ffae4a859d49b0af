import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Instance } from '#shared/model/instance.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { type BootTimeline, type PhaseName, phaseNames } from '#shared/model/timeline.ts';
import { restoreOf } from '#shared/timeline/index.ts';
import { domains, makeHome, openStudio, qemuPid, removeHome, type Studio, until, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 120_000 });
const reason = whyNot();
const hello = `export default async (event) => {
  console.log('hi from the guest');
  return { hello: event.name ?? 'world' };
};`;
const sum = (run: Run) => run.timeline?.phases.reduce((total, phase) => total + phase.durationNs, 0);
const lengthMs = (run: Run, phase: PhaseName) =>
  (run.timeline?.phases.find(({ name }) => name === phase)?.durationNs ?? Number.NaN) / 1e6;

describe.skipIf(reason !== null)(`runs under a real libvirt${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  let helloProject: Project;
  const home = reason === null ? makeHome() : '';
  const run = (project: Project, more: object = {}) =>
    studio.client.call('instances:run', { projectId: project.id, lifetime: 'stop', ...more });
  const list = () => studio.client.call('instances:list', {});
  const stateOf = async (id: string | undefined) => (await list()).find((it) => it.id === id)?.state;

  beforeAll(async () => {
    studio = await openStudio({ home });
    helloProject = await studio.project('hello', hello);
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  it('boots hello cold, and says where the time went', async () => {
    const result = await run(helloProject, { event: { name: 'Ada' } });
    expect(result.error).toBeNull();
    expect(result).toMatchObject({ outcome: 'ok', startMode: 'cold' });
    expect(result.response?.body).toEqual({ kind: 'json', value: { hello: 'Ada' } });
    const { timeline } = result;
    expect(timeline?.complete).toBe(true);
    expect(sum(result)).toBe(timeline?.totalNs);
    for (const phase of timeline?.phases ?? [])
      if (phase.name !== 'runtime') expect(phase.durationNs).toBeGreaterThan(0);
    const guest = timeline?.marks.filter((mark) => mark.clock === 'guest-tsc') ?? [];
    expect(guest.length).toBeGreaterThan(8);
    expect(Math.max(...guest.map((mark) => mark.errorNs))).toBeLessThan(timeline?.totalNs ?? 0);
    expect(result.metrics?.cpuMs).toBeGreaterThan(0);
    expect(result.metrics?.peakMemoryBytes).toBeGreaterThan(10e6);
    // From the start of QEMU's process: while libvirt makes the domain, at the resume, at the answer, and a little
    // later.
    expect(result.samples.length).toBeGreaterThan(8);
    const resumedMs = (timeline?.marks.find((mark) => mark.name === 'domain.resume')?.atNs ?? 0) / 1e6;
    const atMs = result.samples.map((sample) => sample.atMs - result.clickedAtMs);
    expect(atMs.filter((at) => at < resumedMs).length).toBeGreaterThan(2);
    expect(atMs.filter((at) => at > resumedMs).length).toBeGreaterThan(2);
    expect(result.samples.map((sample) => sample.cpuNs)).toEqual(
      result.samples.map((sample) => sample.cpuNs).sort((a, b) => a - b),
    );
    const usedMs = ((result.samples.at(-1)?.cpuNs ?? 0) - (result.samples[0]?.cpuNs ?? 0)) / 1e6;
    expect(usedMs).toBeGreaterThan(2);
    expect(await studio.client.call('runs:get', { runId: result.id })).toEqual(result);
    const replay: Uint8Array[] = [];
    await studio.client.openStream('console:replay', { runId: result.id }, (chunk) => void replay.push(chunk)).ended;
    expect(Buffer.concat(replay).toString()).toContain('hi from the guest');
    await until('the instance has stopped', async () => (await stateOf(result.instance?.id)) === 'stopped');
  });

  it('shows a start as it goes on: phase after phase, and a handler while it runs', async () => {
    const source = `export default () => {
  const end = Date.now() + 700;
  while (Date.now() < end);
  return 'done';
};`;
    const busy = await studio.project('growing', source);
    const seen: BootTimeline[] = [];
    const stop = studio.client.subscribe('runs:progressed', ({ projectId, timeline }) => {
      if (projectId === busy.id) seen.push(timeline);
    });
    const done = await run(busy);
    stop();
    expect(done.outcome).toBe('ok');
    const last = ({ phases }: BootTimeline) => phases.findLast(({ durationNs }) => durationNs > 0)?.name ?? 'prepare';
    const order = seen.map((timeline) => phaseNames.indexOf(last(timeline)));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(seen.map(last)).toContain('vmm');
    expect(seen.filter((timeline) => last(timeline) === 'handler').length).toBeGreaterThan(2);
    expect(seen.every(({ complete }) => !complete)).toBe(true);
  });

  it('runs what functions expect of their platform: keys, streams, tables, modules', async () => {
    const source = `import { createHash } from 'node:crypto';
export default async () => {
  console.table([{ a: 1, b: 'x' }]);
  const key = await crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode('abc'));
  const cut = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([53, 0xe2])); c.enqueue(new Uint8Array([0x82, 0xac])); c.close(); } });
  let text = '';
  for await (const chunk of cut.pipeThrough(new TextDecoderStream())) text += chunk;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5).unref();
  await new Promise((done) => controller.signal.addEventListener('abort', done));
  return [await crypto.subtle.verify('HMAC', key, mac, new TextEncoder().encode('abc')), text, createHash('sha1').update('a').digest('hex')];
};`;
    const result = await run(await studio.project('platform', source));
    expect(result.error).toBeNull();
    expect(result.response?.body).toEqual({
      kind: 'json',
      value: [true, '5€', '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'],
    });
    const replay: Uint8Array[] = [];
    await studio.client.openStream('console:replay', { runId: result.id }, (chunk) => void replay.push(chunk)).ended;
    expect(Buffer.concat(replay).toString()).toContain("│ 0       │ 1 │ 'x' │");
  });

  it('resumes a prestarted instance, and makes the next one', async () => {
    const waiting = () => list().then((all) => all.filter((it) => it.state === 'prestarted'));
    await studio.client.call('builds:build', { projectId: helloProject.id, startMode: 'prestarted' });
    await until('one is prestarted', async () => (await waiting()).length === 1);
    const result = await run(helloProject, { startMode: 'prestarted' });
    expect(result).toMatchObject({ outcome: 'ok', startMode: 'prestarted', error: null });
    expect(result.timeline?.ahead?.durationNs).toBeGreaterThan(0);
    // Work ahead of the click is over at the click, and is not part of the total.
    const { startNs = 1, durationNs = 0 } = result.timeline?.ahead ?? {};
    expect(startNs + durationNs).toBeLessThanOrEqual(0);
    expect(sum(result)).toBe(result.timeline?.totalNs);
    await until('the next is prestarted', async () => (await waiting()).length === 1);
    expect((await waiting())[0]?.id).not.toBe(result.instance?.id);
  });

  it('boots an instance ahead, calls it, and replaces one that died while it waited', async () => {
    const source = 'export default () => ({ id: crypto.randomUUID(), now: Date.now() });';
    const project = await studio.project('booted', source);
    const waiting = async () => (await list()).filter((it) => it.state === 'prebooted');
    await studio.client.call('builds:prestart', { projectId: project.id, startMode: 'prebooted' });
    const [first] = await waiting();
    expect(first).toMatchObject({ functionName: 'booted', startMode: 'prebooted' });
    process.kill(qemuPid(first?.domain ?? ''), 'SIGKILL');
    await until('another one waits', async () => {
      const [one] = await waiting();
      return one !== undefined && one.id !== first?.id;
    });
    const answers: { readonly id: string; readonly now: number }[] = [];
    for (let i = 0; i < 2; i++) {
      const result = await run(project, { startMode: 'prebooted' });
      expect(result).toMatchObject({ outcome: 'ok', startMode: 'prebooted', error: null });
      const { phases = [], ahead } = result.timeline ?? {};
      const lengths = Object.fromEntries(phases.map(({ name, durationNs }) => [name, durationNs]));
      expect(lengths).toMatchObject({ vmm: 0, firmware: 0, kernel: 0, runtime: 0 });
      for (const name of ['prepare', 'function', 'handler', 'respond'] as const)
        expect(lengths[name]).toBeGreaterThan(0);
      expect(sum(result)).toBe(result.timeline?.totalNs);
      expect(ahead?.phases.find(({ name }) => name === 'kernel')?.durationNs).toBeGreaterThan(0);
      const body = result.response?.body;
      if (body?.kind !== 'json') throw new Error('the answer is not JSON');
      const answer = body.value as unknown as (typeof answers)[number];
      expect(Math.abs(answer.now - Date.parse(result.startedAt))).toBeLessThan(60_000);
      answers.push(answer);
    }
    expect(answers[0]?.id).not.toBe(answers[1]?.id);
  });

  it('restores a guest that libvirt saved, several at once, each with values of its own', async () => {
    const source = 'export default () => ({ id: crypto.randomUUID(), random: Math.random(), now: Date.now() });';
    const project = await studio.project('saved', source);
    await studio.client.call('builds:prestart', { projectId: project.id, startMode: 'restored' });
    expect((await list()).filter((it) => it.functionName === 'saved')).toEqual([]);
    const before = Date.now();
    const runs = await Promise.all([1, 2].map(() => run(project, { startMode: 'restored', lifetime: 'session' })));
    const values = runs.map(({ error, startMode, response, timeline }) => {
      expect({ error, startMode }).toEqual({ error: null, startMode: 'restored' });
      expect(timeline?.marks.map(({ name }) => name)).not.toContain('ember.entry');
      expect(timeline && restoreOf(timeline)?.durationNs).toBeGreaterThan(0);
      if (response?.body.kind !== 'json') throw new Error('the answer is not JSON');
      return response.body.value as { readonly id: string; readonly random: number; readonly now: number };
    });
    expect(values[0]?.id).not.toBe(values[1]?.id);
    expect(values[0]?.random).not.toBe(values[1]?.random);
    for (const { now } of values) {
      expect(now).toBeGreaterThanOrEqual(before - 1);
      expect(now).toBeLessThanOrEqual(Date.now() + 1);
    }
    for (const { instance } of runs) {
      const instanceId = instance?.id as Instance['id'];
      expect((await studio.client.call('instances:invoke', { instanceId, event: {} })).error).toBeNull();
      await studio.client.call('instances:stop', { instanceId });
    }
  });

  it('answers a click from what is on disk, however shortly before it was saved', async () => {
    const source = (word: string) => `export default () => '${word}';`;
    const project = await studio.project('saved-before', source('first'));
    const answer = async () => {
      const result = await run(project, { startMode: 'prebooted' });
      expect(result).toMatchObject({ outcome: 'ok', error: null });
      return result.response?.body;
    };
    for (const word of ['first', 'second', 'the third']) {
      writeFileSync(join(project.dir, 'handler.ts'), source(word));
      expect(await answer()).toEqual({ kind: 'json', value: word });
      // What is known of this build is known before the next one is written.
      await studio.client.call('builds:prestart', { projectId: project.id, startMode: 'prebooted' });
      expect(await answer()).toEqual({ kind: 'json', value: word });
    }
  });

  it('ends a prebooted function that loops at its deadline', async () => {
    const project = await studio.project('loopsbooted', 'export default () => { for (;;); };', { timeoutMs: 300 });
    const result = await run(project, { startMode: 'prebooted' });
    expect(result).toMatchObject({ startMode: 'prebooted', error: { code: 'FUNCTION_TIMEOUT' } });
    expect(lengthMs(result, 'handler')).toBeGreaterThan(200);
  });

  it('tells what the function threw, by its own source, and stays usable', async () => {
    const source = `export default (event) => {\n  if (event.fail) throw new RangeError('no such thing');\n  return 'ok';\n};`;
    const project = await studio.project('throws', source);
    const result = await run(project, { event: { fail: true }, lifetime: 'session' });
    expect(result.outcome).toBe('failed');
    expect(result.error).toMatchObject({ code: 'FUNCTION_THREW', message: expect.stringContaining('no such thing') });
    expect(result.error?.details?.stack).toContain('handler.ts:2');
    expect(result.timeline?.complete).toBe(true);
    const instanceId = result.instance?.id as Instance['id'];
    const again = await studio.client.call('instances:invoke', { instanceId, event: {} });
    expect(again.response?.body).toEqual({ kind: 'json', value: 'ok' });
    await studio.client.call('instances:suspend', { instanceId });
    await until('it is paused', async () => (await stateOf(instanceId)) === 'paused');
    await expect(studio.client.call('instances:invoke', { instanceId })).rejects.toMatchObject({ code: 'CONFLICT' });
    await studio.client.call('instances:resume', { instanceId });
    expect((await studio.client.call('instances:invoke', { instanceId, event: {} })).error).toBeNull();
    await until(
      'there are samples',
      async () => (await studio.client.call('metrics:recent', { instanceId })).length > 1,
    );
    await studio.client.call('instances:remove', { instanceId });
    await until('it is forgotten', async () => (await stateOf(instanceId)) === undefined);
  });

  it('ends an endless loop at its deadline', async () => {
    const project = await studio.project('loops', 'export default () => { for (;;); };', { timeoutMs: 300 });
    const result = await run(project);
    expect(result.error).toMatchObject({ code: 'FUNCTION_TIMEOUT' });
    // The deadline counts from the request, and the handler is called a little later.
    expect(lengthMs(result, 'handler')).toBeGreaterThan(200);
  });

  it('counts the time that the handler takes as the handler’s', async () => {
    const source = `export default async (event) => {
  if (event.busy) for (const end = Date.now() + 300; Date.now() < end; );
  else await new Promise((resolve) => setTimeout(resolve, 300));
  return 'done';
};`;
    const project = await studio.project('busy', source);
    for (const event of [{ busy: true }, { busy: false }]) {
      const result = await run(project, { event });
      expect(result.error).toBeNull();
      expect(lengthMs(result, 'handler')).toBeGreaterThanOrEqual(295);
      const [handler, respond] = result.timeline?.phases.slice(-2) ?? [];
      const returned = result.timeline?.marks.find(({ label }) => label === 'handler returned');
      expect([handler?.name, respond?.name]).toEqual(['handler', 'respond']);
      expect(respond?.startNs).toBe(returned?.atNs);
    }
  });

  it('shows the registers, the calls and the marks of a guest that crashed', async () => {
    // Nested functions make QuickJS's compiler recurse past the end of its own stack.
    const source = `export default () => new Function('return ' + '()=>'.repeat(2500) + '1') && 1;`;
    const project = await studio.project('crashes', source, { memoryMiB: 256 });
    const { error } = await run(project);
    expect(error?.code).toBe('FUNCTION_CRASHED');
    expect(error?.details?.output).toMatch(
      /^ember: page fault[\s\S]*\n {2}rax [0-9a-f]{16}[\s\S]*\n {2}[0-9a-f]{16} {2}qjs:/,
    );
    expect(error?.details?.output).toMatch(/\nmarks \(counts since entry\): kernel \d+ .*handler \d+$/m);
  });

  it('says so when memory runs out', async () => {
    const source = 'export default () => { const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1)); };';
    const project = await studio.project('greedy', source, { memoryMiB: 48 });
    expect((await run(project)).error).toMatchObject({ code: 'FUNCTION_OUT_OF_MEMORY' });
  });

  it('refuses memory too small to boot in before anything boots', async () => {
    const project = await studio.project('tiny', hello, { memoryMiB: 2 });
    await expect(run(project)).rejects.toMatchObject({ code: 'MEMORY_TOO_SMALL' });
  });

  it('does not take for a panic what a function prints like one', async () => {
    const source = `export default async () => {
  console.log('ember: panic: pretend');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return 'fine';
};`;
    const result = await run(await studio.project('pretends', source));
    expect(result.error).toBeNull();
    expect(result.response?.body).toEqual({ kind: 'json', value: 'fine' });
  });

  it('runs two at once', async () => {
    const both = await Promise.all([
      run(helloProject, { event: { name: 'a' } }),
      run(helloProject, { event: { name: 'b' } }),
    ]);
    expect(both.map((result) => result.response?.body)).toEqual([
      { kind: 'json', value: { hello: 'a' } },
      { kind: 'json', value: { hello: 'b' } },
    ]);
  });

  it('says that QEMU ended when it is killed while the function works, and the next run works', async () => {
    const source = 'export default () => new Promise((resolve) => setTimeout(() => resolve(1), 20000));';
    const project = await studio.project('killed', source, { timeoutMs: 30_000 });
    const running = run(project);
    const find = async () => (await list()).find((it) => it.functionName === 'killed' && it.state === 'booting');
    await until('it boots', async () => (await find()) !== undefined);
    const instance = (await find()) as Instance;
    process.kill(qemuPid(instance.domain), 'SIGKILL');
    const result = await running;
    expect(result.outcome).toBe('failed');
    expect(['BOOT_FAILED', 'INSTANCE_LOST']).toContain(result.error?.code);
    expect(result.timeline?.complete).toBe(false);
    expect((await list()).find((it) => it.id === instance.id)).toMatchObject({ state: 'failed' });
    expect((await run(helloProject)).outcome).toBe('ok');
  });

  it('says that an instance was destroyed by another program', async () => {
    const result = await run(helloProject, { lifetime: 'session' });
    execFileSync('virsh', ['destroy', result.instance?.domain ?? '']);
    const seen = async () => (await list()).find((it) => it.id === result.instance?.id);
    await until('it has failed', async () => (await seen())?.state === 'failed');
    expect((await seen())?.failure).toContain('destroyed by another program');
  });

  it('cancels a run', async () => {
    const source = 'export default () => new Promise((resolve) => setTimeout(() => resolve(1), 20000));';
    const project = await studio.project('slow', source, { timeoutMs: 30_000 });
    const abort = new AbortController();
    const running = studio.client.call('instances:run', { projectId: project.id }, { signal: abort.signal });
    running.catch(() => undefined);
    await until('it boots', async () =>
      (await list()).some((it) => it.functionName === 'slow' && it.state === 'booting'),
    );
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    const cancelled = (await list()).filter((it) => it.functionName === 'slow');
    expect(cancelled.every((it) => it.state !== 'failed' && it.failure === null)).toBe(true);
    await until('nothing is left of it', () => !domains().some((name) => name.includes('slow')));
  });

  it('shows the console to two viewers, and passes what is typed', async () => {
    const result = await run(helloProject, { lifetime: 'session' });
    const instanceId = result.instance?.id as Instance['id'];
    const seen = ['', ''];
    const streams = [0, 1].map((at) =>
      studio.client.openStream('console:attach', { instanceId }, (chunk) => {
        seen[at] += Buffer.from(chunk).toString();
      }),
    );
    await until('both see it', () => seen.every((text) => text.includes('hi from the guest')));
    await studio.client.call('instances:stop', { instanceId });
    await Promise.all(streams.map((stream) => stream.ended));
    expect(seen[0]).toBe(seen[1]);
  });
});

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findFirmware } from '#core/vmm/firmware.ts';
import type { Project } from '#shared/model/project.ts';
import type { Run } from '#shared/model/run.ts';
import { findCompiler, program, server, writeOciLayout } from './nanos-programs.ts';
import { domains, makeHome, openStudio, removeHome, type Studio, until, whyNot } from './studio.ts';

// Node.js in an emulated guest on a busy machine takes some seconds to start.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
/** Go compiles its library of HTTP where its cache has none yet. */
const compilePatienceMs = 600_000;

const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const reason = nanosDir === undefined ? 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' : whyNot();

const compiler = reason === null ? findCompiler() : null;
const hello = `import { createHash } from 'node:crypto';
export default async function handler(event: { name?: string; fail?: boolean; spin?: boolean }) {
  console.log('called with', event.name);
  if (event.fail) throw new Error('as asked');
  if (event.spin) for (;;);
  return { hello: event.name ?? 'world', digest: createHash('sha256').update('x').digest('hex').slice(0, 8) };
}`;

describe.skipIf(reason !== null)(`Nanos under a real libvirt${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  let home = '';
  const run = (project: Project, more: object = {}) =>
    studio.client.call('instances:run', { projectId: project.id, lifetime: 'stop', ...more });
  /** Whether a probe saw this kernel boot directly, and the mark of the kernel's start in that case. */
  const bootsDirectly = () => {
    const dir = join(home, 'cache/probes');
    const found = readdirSync(dir).filter((name) => name.startsWith('direct-'));
    expect(found).toHaveLength(findFirmware() === null ? 0 : 1);
    return found.some((name) => JSON.parse(readFileSync(join(dir, name), 'utf8')).works === true);
  };
  const bootMark = () => (bootsDirectly() ? 'kernel.entered' : 'boot.sector');
  const consoleOf = async (result: Run, part: 'program' | 'trace' = 'program') => {
    const chunks: Uint8Array[] = [];
    const take = (chunk: Uint8Array) => void chunks.push(chunk);
    await studio.client.openStream('console:replay', { runId: result.id, part }, take).ended;
    return Buffer.concat(chunks).toString();
  };
  /** A project that runs one of the C programs above. */
  const programProject = async (name: string, source: string, keys: object = {}) => {
    const binary = join(home, 'p', name, 'program');
    mkdirSync(join(home, 'p', name), { recursive: true });
    const built = join(home, source === program ? 'program' : 'server');
    if (!existsSync(built)) {
      writeFileSync(`${built}.c`, source);
      execFileSync('gcc', ['-static', '-O1', '-w', '-o', built, `${built}.c`]);
    }
    copyFileSync(built, binary);
    const config = { name, runtime: 'nanos', memoryMiB: 64, program: 'program', ...keys };
    writeFileSync(join(home, 'p', name, 'firstlight.json'), JSON.stringify(config));
    const { id: projectId } = await studio.client.call('projects:open', { dir: join(home, 'p', name) });
    return studio.client.call('projects:trust', { projectId });
  };

  beforeAll(async () => {
    // Not earlier: skipped tests would not remove it.
    home = makeHome();
    studio = await openStudio({ home, bootTimeoutMs: 100_000 });
    await studio.client.call('kernels:install', { runtime: 'nanos', from: nanosDir ?? '' });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  describe('a function on Node.js', () => {
    let project: Project;
    beforeAll(async () => {
      project = await studio.project('fn', hello, { runtime: 'nanos' });
    });

    it('boots and answers, and its timeline says where the time went', async () => {
      const result = await run(project, { event: { name: 'Ada' } });
      expect(result.error).toBeNull();
      expect(result.response?.body).toEqual({ kind: 'json', value: { hello: 'Ada', digest: '2d711642' } });
      const { timeline } = result;
      const lengths = timeline?.phases.map(({ name, durationNs }) => [name, durationNs > 0]);
      expect(lengths).toEqual(
        ['prepare', 'vmm', 'firmware', 'kernel', 'runtime', 'function', 'handler', 'respond'].map((name) => [
          name,
          true,
        ]),
      );
      expect(timeline?.phases.reduce((sum, { durationNs }) => sum + durationNs, 0)).toBe(timeline?.totalNs);
      const names = timeline?.marks.map(({ name }) => name) ?? [];
      expect(names).toContain(bootMark());
      for (const name of ['network.address', 'node.started', 'function.loaded', 'listening.seen']) {
        expect(names).toContain(name);
      }
      expect(await consoleOf(result)).toContain('called with Ada');
    });

    it('is invoked again and again, tells errors by its source, and takes plain HTTP on its forwarded port', async () => {
      const first = await run(project, { lifetime: 'session' });
      const instanceId = first.instance?.id ?? ('' as never);
      const invoke = (event: object) => studio.client.call('instances:invoke', { instanceId, event: event as never });
      expect((await invoke({ name: 'Bob' })).response?.body).toMatchObject({ value: { hello: 'Bob' } });
      const failed = await invoke({ fail: true });
      expect(failed.error).toMatchObject({ code: 'FUNCTION_THREW', message: 'Error: as asked' });
      expect(failed.error?.details?.stack).toContain('handler.ts:4:');
      expect((await invoke({ name: 'still there' })).error).toBeNull();
      const { url } = (await studio.client.call('instances:list', {})).find(({ id }) => id === instanceId) ?? {};
      const answer = await fetch(`${url}/greet?name=Cy`, { method: 'POST', body: '{}' });
      expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ hello: 'world' })]);
      await studio.client.call('instances:remove', { instanceId });
    });

    it('is told of its memory and its processors, which Node.js reads from files that Nanos does not have', async () => {
      const source = `import { cpus } from 'node:os';
export default () => ({ ...process.memoryUsage(), cpus: cpus().length, same: process.memoryUsage.rss() > 1e6 });`;
      const { response } = await run(await studio.project('memory', source, { runtime: 'nanos', vcpus: 2 }));
      const value = response?.body?.kind === 'json' ? (response.body.value as Record<string, number>) : {};
      expect(value).toMatchObject({ cpus: 2, same: true });
      expect(value.rss).toBeGreaterThan(value.heapUsed ?? Number.POSITIVE_INFINITY);
    });

    it('finds what it opens beside itself: data of a package and of its own', async () => {
      const source = `import { readFileSync } from 'node:fs';
import { read } from 'data';
const ready = await Promise.resolve(true);
export default () => [ready, __dirname, read(), readFileSync(new URL('./note.txt', import.meta.url), 'utf8')];`;
      const project = await studio.project('beside', source, { runtime: 'nanos' });
      mkdirSync(join(project.dir, 'node_modules/data'), { recursive: true });
      writeFileSync(join(project.dir, 'note.txt'), 'a note');
      writeFileSync(join(project.dir, 'node_modules/data/x.afm'), 'metrics');
      const opens = "const fs = require('fs'); exports.read = () => fs.readFileSync(__dirname + '/x.afm', 'utf8');";
      writeFileSync(join(project.dir, 'node_modules/data/index.js'), opens);
      writeFileSync(join(project.dir, 'node_modules/data/package.json'), '{"name":"data"}');
      const result = await run(project);
      expect(result.error).toBeNull();
      expect(result.response?.body).toEqual({ kind: 'json', value: [true, '/firstlight', 'metrics', 'a note'] });
    });

    it('has the arguments of its project, and of one run in place of them', async () => {
      const source = 'const first = process.argv.slice(2); export default () => [first, ...process.argv];';
      const project = await studio.project('argued', source, { runtime: 'nanos', args: ['own'] });
      for (const args of [undefined, ['--verbose', 'é "x"', '']]) {
        const result = await run(project, { ...(args && { args }) });
        expect(result.error).toBeNull();
        const wanted = args ?? ['own'];
        const started = [expect.stringContaining('node'), '/firstlight/bundle.cjs', ...wanted];
        expect(result.response?.body).toEqual({ kind: 'json', value: [wanted, ...started] });
      }
    });

    it('reaches services of this machine only when its project declares outbound connections', async () => {
      const service = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret'));
      service.listen(0, '127.0.0.1');
      await once(service, 'listening');
      const { port } = service.address() as AddressInfo;
      const source = `export default async () => {
        try { return await (await fetch('http://10.0.2.2:${port}/')).text(); } catch (error) { return { failed: error.cause?.code ?? String(error) }; }
      };`;
      try {
        const closed = await run(await studio.project('closed', source, { runtime: 'nanos', timeoutMs: 60_000 }));
        expect(closed.error).toBeNull();
        expect(closed.response?.body).toEqual({ kind: 'json', value: { failed: expect.any(String) } });
        const nanos = { network: { kind: 'user', outbound: true } };
        const project = await studio.project('open', source, { runtime: 'nanos', timeoutMs: 60_000, nanos });
        await studio.client.call('projects:trust', { projectId: project.id, trusted: false });
        await expect(run(project)).rejects.toMatchObject({ code: 'PROJECT_NOT_TRUSTED' });
        await studio.client.call('projects:trust', { projectId: project.id });
        const open = await run(project);
        expect(open.error).toBeNull();
        expect(open.response?.body).toEqual({ kind: 'json', value: 'secret' });
      } finally {
        service.close();
      }
    });

    it('is ended when it computes without end', async () => {
      const spinning = await studio.project('spin', hello, { runtime: 'nanos', timeoutMs: 500 });
      const result = await run(spinning, { event: { spin: true } });
      expect(result.error).toMatchObject({ code: 'FUNCTION_TIMEOUT' });
      await until('no domain is left', () => !domains().some((name) => name.startsWith('firstlight-spin')));
    });

    it('starts from a machine that was made ahead', async () => {
      await studio.client.call('builds:prestart', { projectId: project.id });
      const result = await run(project, { startMode: 'prestarted' });
      expect(result).toMatchObject({ outcome: 'ok', startMode: 'prestarted' });
      expect(result.timeline?.ahead?.durationNs).toBeGreaterThan(0);
    });

    it('keeps what it writes to a volume, however it ends, and takes it over from its own last run', async () => {
      const source = `import { appendFileSync, readFileSync } from 'node:fs';
export default () => {
  appendFileSync('/data/log', 'x');
  return { length: readFileSync('/data/log', 'utf8').length };
};`;
      const volumes = { 'fn-log': { mount: '/data', sizeMiB: 8 } };
      const writer = await studio.project('writer', source, { runtime: 'nanos', volumes });
      const lengths: unknown[] = [];
      for (const lifetime of ['stop', 'session', 'session', 'stop']) {
        const { response, error } = await run(writer, { lifetime });
        expect(error).toBeNull();
        lengths.push(response?.body);
      }
      expect(lengths).toEqual([1, 2, 3, 4].map((length) => ({ kind: 'json', value: { length } })));
    });

    it('is rebuilt on the same base when one line changes', async () => {
      writeFileSync(join(project.dir, 'handler.ts'), hello.replace('hello:', 'hallo:'));
      const built = await studio.client.call('builds:build', { projectId: project.id });
      expect(built.steps.map(({ name, reused }) => [name, reused])).toEqual([
        ['bundle', false],
        ['kernel', true],
        ['base', true],
        ['write', false],
      ]);
      expect(built.image.bytes).toBeLessThan(4 * 2 ** 20);
    });
  });

  describe('any program', () => {
    it('runs to its end, and what it printed is the answer', async () => {
      const project = await programProject('job', program, { port: null, args: ['env'], env: { COLOUR: 'blue' } });
      const result = await run(project);
      expect(result.error).toBeNull();
      expect(result.response?.body).toEqual({ kind: 'text', value: 'hello from C: env\nblue\n' });
    });

    it('prints lines in the form of the kernel’s own, and has them in its answer byte for byte', async () => {
      // One line is printed in two halves, between which a kernel with a network says its second address.
      const before = [
        '[0.123456] en1: assigned 10.0.2.15',
        '[0.123456] NET: no network interface found',
        '[0.123456] gitversion: mine',
        '[0.123456] en1: assigned 10.9.9.9',
        '    2 page fault, mine\u001b]\u001b\\',
        'total: ',
      ].join('\n');
      const after = '42\nlast: [9.123456] en1: assigned FE80::5054:FF:FE12:3456\r\n[9.1] end';
      const printed = `hello from C: print\n${before}${after}`;
      for (const network of [{ kind: 'none' }, undefined, { kind: 'user', outbound: true }]) {
        const args = ['print', before, network?.kind === 'user' ? '4' : '0', after];
        const name = `lines-${network?.kind ?? 'default'}`;
        const nanos = network === undefined ? {} : { network };
        const result = await run(await programProject(name, program, { port: null, args, nanos, timeoutMs: 30_000 }));
        expect(result.error).toBeNull();
        expect(result.response?.body).toEqual({ kind: 'text', value: printed });
        const says = network?.kind === 'user' ? /assigned FE80/g : /no network interface found/g;
        // The kernel's own, and the program's.
        expect((await consoleOf(result, 'program')).match(says)).toHaveLength(2);
        expect(result.timeline?.phases.map(({ name }) => name)).toContain('runtime');
      }
    });

    it('is reported with its exit code when that is not 0', async () => {
      const result = await run(await programProject('fails', program, { port: null, args: ['fail'] }));
      expect(result.error).toMatchObject({
        code: 'FUNCTION_CRASHED',
        message: 'The program ended with exit code 3.',
        details: { output: 'hello from C: fail\n' },
      });
    });

    it('serves HTTP', async () => {
      const result = await run(await programProject('web', server, {}), { event: { path: '/a', query: { b: '1' } } });
      expect(result.error).toBeNull();
      expect(result.response).toMatchObject({ status: 200, body: { kind: 'json', value: { path: '/a?b=1' } } });
    });

    it('keeps what it writes to a volume, which one instance has at a time', async () => {
      const volumes = { counter: { mount: '/data', sizeMiB: 8 } };
      const project = await programProject('volume', program, { port: null, args: ['count'], volumes });
      const printed = async () => (await run(project)).response?.body;
      expect(await printed()).toMatchObject({ value: expect.stringContaining('count 1') });
      expect(await printed()).toMatchObject({ value: expect.stringContaining('count 2') });
    });

    it('has diagnostics one switch away, shown apart', async () => {
      const debug = { strace: true, missingFiles: true };
      const result = await run(
        await programProject('traced', program, { port: null, args: ['missing'], nanos: { debug } }),
      );
      expect(result.response?.body).toEqual({ kind: 'text', value: 'hello from C: missing\n' });
      const trace = await consoleOf(result, 'trace');
      expect(trace).toMatch(/^\[\d+\] write\(1, /m);
      expect(trace).toContain('nothing-here');
      expect(await consoleOf(result, 'program')).not.toContain('write(1, ');
    });

    it('that crashes is reported with the function that did it', async () => {
      const result = await run(await programProject('crash', program, { port: null, args: ['crash'] }));
      expect(result.error).toMatchObject({
        code: 'FUNCTION_CRASHED',
        message: 'The program crashed: SIGSEGV: the program wrote to 0x0: a null pointer.',
      });
      expect(result.error?.details?.output).toMatch(/at main \+ 0x[0-9a-f]+ \(.*program/);
      expect(result.error?.details?.output).toMatch(/rip [0-9a-f]{16}/);
    });

    it('that no kernel can start is reported so', async () => {
      const project = await programProject('script', program, { port: null, files: { '/etc/x': 'firstlight.json' } });
      writeFileSync(join(project.dir, 'program'), '#!/bin/sh\necho hi\n');
      await expect(run(project)).rejects.toMatchObject({ code: 'ELF_INVALID' });
    });

    it.skipIf(compiler === null)(
      `in ${compiler?.name ?? 'Rust or Go (skipped: neither rustc nor go is installed)'} serves HTTP from one static file`,
      async () => {
        if (compiler === null) return;
        mkdirSync(join(home, 'p', 'native'), { recursive: true });
        const binary = join(home, 'p', 'native', 'program');
        await compiler.build(binary);
        const config = { name: 'native', runtime: 'nanos', memoryMiB: 128, program: 'program' };
        writeFileSync(join(home, 'p', 'native', 'firstlight.json'), JSON.stringify(config));
        const project = await studio.client.call('projects:open', { dir: join(home, 'p', 'native') });
        const result = await run(project, { event: { path: '/x' } });
        expect(result.error).toBeNull();
        expect(result.response?.body).toEqual({ kind: 'text', value: 'hello /x' });
      },
      compilePatienceMs,
    );

    it('comes out of an ops package', async () => {
      await programProject('packed', program, {});
      const dir = join(home, 'p', 'packed');
      mkdirSync(join(dir, 'tool_1.0', 'sysroot', 'etc'), { recursive: true });
      copyFileSync(join(dir, 'program'), join(dir, 'tool_1.0', 'tool'));
      const manifest = { Program: 'tool_1.0/tool', Args: ['tool', 'packed'], Env: { COLOUR: 'red' } };
      writeFileSync(join(dir, 'tool_1.0', 'package.manifest'), JSON.stringify(manifest));
      const tool = { package: 'tool_1.0', port: null };
      const config = { name: 'packed', runtime: 'nanos', memoryMiB: 64, ...tool };
      writeFileSync(join(dir, 'firstlight.json'), JSON.stringify(config));
      const result = await run(await studio.client.call('projects:open', { dir }));
      expect(result.error).toBeNull();
      expect(result.response?.body).toEqual({ kind: 'text', value: 'hello from C: packed\n' });
    });

    it('comes out of an OCI image', async () => {
      await programProject('oci', program, {});
      const dir = join(home, 'p', 'oci');
      writeOciLayout(join(dir, 'image'), join(dir, 'program'), ['/bin/tool', 'from-oci']);
      const config = { name: 'oci', runtime: 'nanos', memoryMiB: 64, image: 'oci:image', port: null };
      writeFileSync(join(dir, 'firstlight.json'), JSON.stringify(config));
      const result = await run(await studio.client.call('projects:open', { dir }));
      expect(result.error).toBeNull();
      expect(result.response?.body).toEqual({ kind: 'text', value: 'hello from C: from-oci\n' });
    });

    it('is refused a port that is taken, by its number', async () => {
      const taken = createServer();
      const port = await new Promise<number>((resolve) => {
        taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port));
      });
      const project = await programProject('taken', server, { hostPort: port });
      const refused = run(project);
      // A failure before the boot is thrown, or recorded in the run.
      const error = await refused.then(
        (result) => result.error,
        (thrown) => thrown,
      );
      expect(error).toMatchObject({ code: 'PORT_IN_USE', message: expect.stringContaining(String(port)) });
      taken.close();
    });
  });

  it('begins with the disk’s boot code, or with the kernel where that was seen to work, and ends with the exit code', async () => {
    const boots = [
      ['disk', 'boot.sector'],
      ['auto', bootMark()],
      ...(bootsDirectly() ? [['direct', 'kernel.entered']] : []),
    ];
    for (const [boot, mark] of boots) {
      const result = await run(
        await programProject(`from-${boot}`, program, { port: null, args: ['fail'], nanos: { boot } }),
      );
      expect(result.error).toMatchObject({ message: 'The program ended with exit code 3.' });
      const marks = result.timeline?.marks ?? [];
      expect(marks.filter(({ name }) => name.startsWith('boot.') || name.startsWith('kernel.'))).toMatchObject([
        { name: mark },
      ]);
    }
  });

  it('runs Python with its standard library', async () => {
    const dir = join(home, 'p', 'py');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'helper.py'), 'import json\ndef say(x): return json.dumps({"said": x})\n');
    writeFileSync(join(dir, 'main.py'), 'import sys, helper\nprint(helper.say(sys.argv[1]))\n');
    // Emulated, Python takes seconds to start, and many of them on a machine that has other work.
    const program = { python: { script: 'main.py' }, args: ['hi'], port: null, timeoutMs: 90_000 };
    writeFileSync(
      join(dir, 'firstlight.json'),
      JSON.stringify({ name: 'py', runtime: 'nanos', memoryMiB: 128, ...program }),
    );
    const result = await run(await studio.client.call('projects:open', { dir }));
    expect(result.error).toBeNull();
    expect(result.response?.body).toEqual({ kind: 'text', value: '{"said": "hi"}\n' });
  });

  it('leaves no domain and no disk behind', async () => {
    const left = await studio.client.call('instances:list', {});
    for (const { id, state } of left)
      if (state !== 'stopped' && state !== 'failed') await studio.client.call('instances:remove', { instanceId: id });
    const ours = () => domains().filter((name) => /-(fn|job|web|py|spin)-/.test(name));
    await until('no domain of these is left', () => ours().length === 0);
    const disks = () => readdirSync(join(home, 'cache/disks'));
    await until('no disk of these is left', () => disks().length === 0);
    expect(disks()).toEqual([]);
  });
});

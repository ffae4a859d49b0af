import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { fakeHost } from '#core/vmm/testing/fake-vmm.ts';
import { createSnapshots } from './snapshots.ts';
import type { LaunchSpec } from './types.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-snap-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const unused = async (): Promise<never> => {
  throw new Error('the instance saves itself');
};

function setUp({ version = '1', saves = true, canBeRestored = true, failBoot = false, maxBytes = 1e9 } = {}) {
  const layout = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  const lines: string[] = [];
  const forgotten: string[] = [];
  let made = 0;
  const launch = async ({ startMode }: LaunchSpec) => {
    const id = `${startMode}-${made++}`;
    const instance = {
      record: { id },
      bootAhead: async () => {
        if (failBoot) throw new Error('it panicked');
      },
      saveAndEnd: async (dir: string) => writeFileSync(join(dir, 'memory'), `the memory of ${id}`.padEnd(20_000, '.')),
      stop: () => undefined,
    };
    return { instance, times: {} } as never;
  };
  const machine = plainMachine({ accel: 'kvm', memoryMiB: 64, vcpus: 1 }, { kernel: null });
  const snapshots = createSnapshots({
    layout,
    runtimes: new Map([
      ['ember', { canBeRestored: () => canBeRestored, prepareMachine: async () => ({ machine }) } as never],
    ]) as never,
    launch,
    forget: (id) => forgotten.push(id),
    warn: ({ message }) => lines.push(message),
    log: (line) => lines.push(line),
    maxBytes,
  });
  const host = fakeHost(layout, {
    ...(saves && { saving: { save: unused, restore: unused } }),
    readVersions: async () => ({ qemu: version }),
  });
  const spec = (image: string) => ({
    host,
    image: { id: image, runtime: 'ember' },
    config: { name: 'f' },
    accel: 'kvm',
  });
  return {
    snapshots,
    lines,
    forgotten,
    prepare: (image = 'one') => snapshots.prepare(spec(image) as unknown as LaunchSpec),
    names: () => readdirSync(layout.snapshotsDir),
    dir: layout.snapshotsDir,
    made: () => made,
  };
}

it('makes one saved machine for a start, private, once, and finds it again', async () => {
  const { prepare, names, forgotten, made, dir } = setUp();
  const [first, second] = await Promise.all([prepare(), prepare()]);
  expect(first).toEqual(second);
  expect([made(), first?.wasMade, forgotten]).toEqual([1, true, ['prebooted-0']]);
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  expect([modeOf(first?.dir ?? ''), modeOf(join(first?.dir ?? '', 'memory'))]).toEqual([0o700, 0o600]);
  expect(modeOf(join(first?.dir ?? '', 'snapshot.json'))).toBe(0o600);
  expect(modeOf(dir) & 0o077).toBe(0);
  expect(names()).toEqual([first?.name]);
  // Also another program finds it.
  expect(await setUp().prepare()).toEqual({ ...first, wasMade: false });
});

it('removes one that was cut in half, says so, and makes another for the next start', async () => {
  const { prepare, names, lines } = setUp();
  const saved = await prepare();
  truncateSync(join(saved?.dir ?? '', 'memory'), 10_000);
  expect(await prepare()).toBeNull();
  expect([names(), lines]).toEqual([
    [],
    ['The saved machine of f was damaged. It is removed, and this start is cold.'],
  ]);
  expect(await prepare()).toMatchObject({ wasMade: true });
});

it('takes none of another version of the VMM, and removes what it replaces', async () => {
  const old = await setUp().prepare();
  const { prepare, names } = setUp({ version: '2' });
  const saved = await prepare();
  expect(saved?.name).not.toBe(old?.name);
  expect(names()).toEqual([saved?.name]);
});

it('keeps the newest within the limit, and removes one when asked', async () => {
  const { prepare, names, snapshots } = setUp({ maxBytes: 50_000 });
  const first = await prepare('one');
  const second = await prepare('two');
  expect(names().sort()).toEqual([first?.name, second?.name].sort());
  const third = await prepare('three');
  expect(names()).toContain(third?.name);
  expect(names()).toHaveLength(2);
  if (third !== null) await snapshots.remove(third);
  expect(names()).toHaveLength(1);
});

it('says why there is none: another runtime, a VMM that cannot, a guest that does not boot', async () => {
  for (const [options, why] of [
    [{ canBeRestored: false }, 'guests of ember cannot be saved'],
    [{ saves: false }, 'machines of test:///default cannot be saved'],
    [{ failBoot: true }, 'it panicked'],
  ] as const) {
    const { prepare, lines } = setUp(options);
    expect(await prepare()).toBeNull();
    expect(lines.join()).toContain(why);
  }
});

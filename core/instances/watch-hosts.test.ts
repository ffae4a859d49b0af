import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Layout } from '#core/store/layout.ts';
import type { Host } from '#core/vmm/host.ts';
import { fakeHost } from '#core/vmm/testing/fake-vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createHostWatch, type HostWatch } from './watch-hosts.ts';

const layout = {} as Layout;
const local = fakeHost(layout);
const hung = fakeHost(layout, {}, 'hung');
const lost = fakeHost(layout, { state: 'lost' }, 'lost');
let watch: HostWatch;
let log: string[];
let read: string[];

beforeEach(() => {
  vi.useFakeTimers();
  log = [];
  read = [];
  const reconcile = (host: Host) => {
    read.push(host.name);
    if (host === hung) return new Promise<void>(() => undefined);
    return host === lost
      ? Promise.reject(new FirstlightError('LIBVIRT_UNREACHABLE', 'nobody listens'))
      : Promise.resolve();
  };
  watch = createHostWatch({
    hosts: () => [local, hung, lost],
    reconcile,
    log: (line) => log.push(line),
    onChanged: () => undefined,
  });
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

it('waits for a host that does not answer only so long', async () => {
  for (const host of [local, hung]) watch.reconcile(host);
  let isOver = false;
  const reconciled = watch.reconciled().then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(5_900);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  await reconciled;
  expect(isOver).toBe(true);
});

it('tries a lost host again, reports the same failure once, and lets nobody wait for it', async () => {
  watch.reconcile(lost);
  await watch.reconciled();
  await vi.advanceTimersByTimeAsync(10_500);
  expect(read).toEqual(['lost', 'lost', 'lost']);
  expect(log).toEqual(['nobody listens']);
  await watch.reconciled();
});

it('calls a host connected only when its machines are known', async () => {
  const silent = fakeHost(layout, {}, 'silent');
  let answers = false;
  let changes = 0;
  const asked = createHostWatch({
    hosts: () => [silent],
    reconcile: async () => {
      if (!answers) throw new FirstlightError('LIBVIRT_UNREACHABLE', 'it does not answer');
    },
    log: () => undefined,
    onChanged: () => changes++,
  });
  expect(asked.describe(silent)).toMatchObject({ state: 'connecting', failure: null });
  asked.reconcile(silent);
  await asked.reconciled();
  expect(asked.describe(silent)).toMatchObject({ state: 'lost', failure: 'it does not answer' });
  answers = true;
  await vi.advanceTimersByTimeAsync(5_100);
  expect(asked.describe(silent)).toMatchObject({ state: 'connected', failure: null });
  expect(changes).toBe(2);
  asked.close();
});

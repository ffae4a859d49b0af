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
  watch = createHostWatch({ hosts: () => [local, hung, lost], reconcile, log: (line) => log.push(line) });
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

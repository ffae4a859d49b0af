import { describe, expect, it, vi } from 'vitest';
import { createDeferred } from '#shared/deferred.ts';
import { hostNs } from '#shared/model/units.ts';
import type { Launched } from './launch.ts';
import { createPrestartPool, type PrestartPool } from './prestart-pool.ts';
import type { LaunchSpec } from './types.ts';

interface Made {
  readonly spec: LaunchSpec;
  readonly instance: { state: string; stop: () => void; readonly record: { readonly id: string } };
  /** The machine ends by itself. */
  readonly die: () => void;
}

function setUp(options: { idleMs?: number; maxInstances?: number; fail?: boolean; failBoot?: boolean } = {}): {
  pool: PrestartPool;
  made: Made[];
  log: string[];
} {
  const made: Made[] = [];
  const log: string[] = [];
  const launch = async (spec: LaunchSpec) => {
    if (options.fail) throw new Error('no room');
    const { promise: gone, resolve: setGone } = createDeferred();
    const instance = {
      state: 'prestarted',
      record: { id: `i${made.length}` },
      gone,
      stop: () => {
        instance.state = 'stopping';
      },
      bootAhead: async () => {
        if (options.failBoot) throw new Error('it panicked');
        instance.state = 'prebooted';
        return { resumeSentNs: 1, resumedNs: 2, readyNs: 3 };
      },
    };
    const die = () => {
      instance.state = 'failed';
      setGone();
    };
    made.push({ spec, instance, die });
    return { instance, times: {} } as unknown as Launched;
  };
  const pool = createPrestartPool({
    launch,
    isExclusive: ({ name }) => name === 'exclusive',
    log: (line) => log.push(line),
    ...options,
  });
  return { pool, made, log };
}

const spec = (projectId: string, imageId = 'image', memoryMiB = 64, host = 'local', startMode = 'prestarted') =>
  ({
    startMode,
    host: { name: host },
    projectId,
    image: { id: imageId },
    accel: 'tcg',
    config: { name: 'f', runtime: 'ember', memoryMiB, vcpus: 1 },
  }) as unknown as LaunchSpec;
const states = (made: readonly Made[]) => made.map(({ instance }) => instance.state);
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('createPrestartPool', () => {
  it('gives away the one that waits, once', async () => {
    const { pool, made } = setUp();
    pool.prepare(spec('a'));
    pool.prepare(spec('a'));
    expect(made).toHaveLength(1);
    expect((await pool.take(spec('a')))?.instance.record.id).toBe('i0');
    expect(await pool.take(spec('a'))).toBeNull();
  });

  it('replaces one for another image, machine or host', async () => {
    const { pool, made } = setUp();
    pool.prepare(spec('a', 'old'));
    expect(await pool.take(spec('a', 'new'))).toBeNull();
    pool.prepare(spec('a', 'new'));
    await settle();
    pool.prepare(spec('a', 'new', 128));
    await settle();
    expect(states(made)).toEqual(['stopping', 'stopping', 'prestarted']);
    expect(await pool.take(spec('a', 'new', 128, 'lab'))).toBeNull();
  });

  it('keeps at most two, the newest projects’', async () => {
    const { pool, made } = setUp();
    for (const id of ['a', 'b', 'c']) pool.prepare(spec(id));
    await settle();
    expect(states(made)).toEqual(['stopping', 'prestarted', 'prestarted']);
  });

  it('ends one that is idle for long, and all when closed', async () => {
    vi.useFakeTimers();
    const { pool, made } = setUp({ idleMs: 1000 });
    pool.prepare(spec('a'));
    await vi.advanceTimersByTimeAsync(1001);
    expect(states(made)).toEqual(['stopping']);
    vi.useRealTimers();
    pool.prepare(spec('b'));
    pool.close();
    await settle();
    expect(states(made)).toEqual(['stopping', 'stopping']);
    pool.prepare(spec('c'));
    expect(made).toHaveLength(2);
  });

  it('does not give away one that has ended, and logs why one could not be created', async () => {
    const { pool, made } = setUp();
    pool.prepare(spec('a'));
    await settle();
    if (made[0]) made[0].instance.state = 'failed';
    expect(await pool.take(spec('a'))).toBeNull();
    const broken = setUp({ fail: true });
    broken.pool.prepare(spec('a'));
    await settle();
    expect(broken.log.join()).toContain('no room');
    expect(await broken.pool.take(spec('a'))).toBeNull();
  });

  it('boots one that is to wait booted, and gives it to no other mode', async () => {
    const { pool, made } = setUp();
    const booted = spec('a', 'image', 64, 'local', 'prebooted');
    await pool.prepare(booted);
    expect(states(made)).toEqual(['prebooted']);
    expect(await pool.take(spec('a'))).toBeNull();
    expect((await pool.take(booted))?.times.booted?.readyNs).toBe(3);
    const broken = setUp({ failBoot: true });
    await broken.pool.prepare(booted);
    expect(broken.log.join()).toContain('it panicked');
    expect(await broken.pool.take(booted)).toBeNull();
  });

  it('refills what was taken, and leaves one that was made for a later request', async () => {
    const { pool, made } = setUp();
    const booted = spec('a', 'image', 64, 'local', 'prebooted');
    await pool.refill(spec('a'), hostNs(1));
    await pool.take(spec('a'));
    await pool.refill(booted, hostNs(3));
    await pool.refill(spec('a'), hostNs(2));
    expect(states(made)).toEqual(['prestarted', 'prebooted']);
  });

  it('makes what a later run needs in place of what an earlier run, of another mode, had made', async () => {
    const { pool, made } = setUp();
    const booted = spec('a', 'image', 64, 'local', 'prebooted');
    await pool.refill(spec('a'), hostNs(1));
    await pool.refill(booted, hostNs(2));
    expect(states(made)).toEqual(['stopping', 'prebooted']);
    expect(await pool.take(booted)).not.toBeNull();
  });

  it('replaces one that died while it waited, and gives up a guest that always dies', async () => {
    const { pool, made, log } = setUp();
    const booted = spec('a', 'image', 64, 'local', 'prebooted');
    await pool.prepare(booted);
    for (let deaths = 1; deaths <= 6; deaths++) {
      made.at(-1)?.die();
      await settle();
    }
    expect(made).toHaveLength(4);
    expect(log.filter((line) => line.includes('ended while it waited'))).toHaveLength(4);
    await pool.prepare(booted);
    expect(made).toHaveLength(5);
    made[4]?.instance.stop();
    expect(await pool.take(booted)).toBeNull();
  });

  it('ends one that is dropped before it has booted', async () => {
    const { pool, made } = setUp();
    const preparing = pool.prepare(spec('a', 'image', 64, 'local', 'prebooted'));
    pool.drop('a' as never);
    await preparing;
    expect(states(made)).toEqual(['stopping']);
  });
});

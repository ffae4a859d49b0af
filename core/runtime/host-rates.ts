import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Layout } from '#core/store/layout.ts';
import { readBootId } from '#core/store/owner.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';
import type { TickRate } from '#shared/timeline/index.ts';

/** The rate of this host's time-stamp counter that guests measured, for the next guest. */
export interface HostRates {
  /** In ticks per second, as a guest measures it itself; 0 before any measurement. */
  readonly tsc: { readonly get: () => bigint; readonly set: (hz: bigint) => void };
  /** In nanoseconds per tick, with bounds, as clock samples give it. */
  readonly tick: { readonly get: () => TickRate | undefined; readonly set: (rate: TickRate) => void };
}

const savedSchema = z.object({
  bootId: z.string(),
  tscHz: z.string().regex(/^\d+$/),
  tick: z.object({ minNs: z.number(), maxNs: z.number() }).nullable(),
});
type Saved = z.output<typeof savedSchema>;

/** The host's clock itself may be sped up or slowed down by this much (what Linux allows a time service). */
const maxSlew = 500e-6;

/** The rates kept in `layout.probesDir` for this boot of the host. */
export function createHostRates(layout: Layout): HostRates {
  const path = join(layout.probesDir, 'host-rates.json');
  let rates: Saved | null = null;

  function current(): Saved {
    rates ??= load(path) ?? { bootId: readBootId(), tscHz: '0', tick: null };
    return rates;
  }

  function change(next: Partial<Saved>): void {
    rates = { ...current(), ...next };
    const text = JSON.stringify(rates);
    // Kept for speed only: when it cannot be stored, the next program measures again.
    layout
      .ensure(layout.probesDir)
      .then(() => writeAtomic(path, text, { durable: false }))
      .catch(() => undefined);
  }

  return {
    tsc: {
      get: () => BigInt(current().tscHz),
      set: (hz) => {
        if (current().tscHz === '0') change({ tscHz: String(hz) });
      },
    },
    tick: {
      get: () => current().tick ?? undefined,
      set: (rate) => {
        const known = current().tick;
        const wider = { minNs: rate.minNs * (1 - maxSlew), maxNs: rate.maxNs * (1 + maxSlew) };
        if (known === null || wider.maxNs - wider.minNs < known.maxNs - known.minNs) change({ tick: wider });
      },
    },
  };
}

function load(path: string): Saved | null {
  try {
    const parsed = savedSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success && parsed.data.bootId === readBootId() ? parsed.data : null;
  } catch {
    // Missing or unreadable: then no rate is known.
    return null;
  }
}

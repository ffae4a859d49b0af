import { afterAll, expect, it } from 'vitest';
import { buildGuest } from '../../build/guest.mjs';
import { Functions } from './functions.ts';

const functions = new Functions();
afterAll(() => functions.close());

it('shows that it ran, on every machine and firmware', async () => {
  const { floorPath } = await buildGuest();
  for (const machine of ['pc', 'q35'] as const) {
    for (const firmware of ['qboot', 'seabios'] as const) {
      const guest = await functions.start({ image: floorPath, machine, firmware, memoryMiB: 32 });
      await expect.poll(() => guest.console(), { timeout: 5000, interval: 20 }).toContain('F');
      await functions.stopAll();
    }
  }
});

it('is not built again when nothing has changed', async () => {
  await buildGuest();
  expect((await buildGuest()).built).toBe(false);
});

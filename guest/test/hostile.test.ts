/** Ring 0 against a hostile ring 3: a program booted in Ember's place. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkTestKernel } from '../../build/guest.mjs';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';
import type { Machine } from './machine.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'ember-hostile-'));
const image = path.join(dir, 'hostile.elf');
const functions = new Functions();
beforeAll(() => linkTestKernel({ source: 'test/hostile/hostile.c', output: image }));
afterAll(async () => {
  await functions.close();
  rmSync(dir, { recursive: true });
});

const alignmentCheck = 1n << 18n;
const smep = 1n << 20n;
const smap = 1n << 21n;

async function attack(accel: 'tcg' | 'kvm', cpu?: string): Promise<{ guest: Machine; lines: string[] }> {
  const guest = await functions.start({ image, accel, cpu });
  await expect.poll(() => guest.console(), { timeout: 25_000, interval: 100 }).toContain('the end');
  return { guest, lines: guest.console().split('\r\n') };
}

/** A register of ring 0, which sleeps in a call that was made with EFLAGS.AC set. */
async function registerIn(guest: Machine, name: string): Promise<bigint> {
  const asleep = /CPL=0.*HLT=1/;
  await expect.poll(() => guest.registers(), { timeout: 25_000, interval: 100 }).toMatch(asleep);
  return BigInt(`0x${new RegExp(`${name}=([0-9a-f]+)`).exec(await guest.registers())?.[1]}`);
}

function expectNothingGotThrough({ lines }: { lines: string[] }): void {
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(lines.at(-3)).toMatch(/^1\d{3} refused, 0 failed$/);
  expect(Number(/^(\d+) calls$/.exec(lines.at(-4) ?? '')?.[1])).toBeGreaterThan(10_000);
}

describe('a hostile ring 3', () => {
  it('gets nowhere on a processor without SMEP and SMAP', async () => {
    expectNothingGotThrough(await attack('tcg'));
  });

  it('gets nowhere on a processor that has them', async () => {
    const attacked = await attack('tcg', 'max');
    expectNothingGotThrough(attacked);
    expect((await registerIn(attacked.guest, 'CR4')) & (smep | smap)).toBe(smep | smap);
  });

  it('does not run ring 0 with SMAP off, by a flag that it may set itself', async () => {
    const { guest } = await attack('tcg', 'max');
    expect((await registerIn(guest, 'RFL')) & alignmentCheck).toBe(0n);
  });

  const reason = whyNoKvm();
  it.skipIf(reason !== null)(`gets nowhere under KVM${reason === null ? '' : ` (skipped: ${reason})`}`, async () => {
    expectNothingGotThrough(await attack('kvm'));
  });
});

/** Ring 0 against a hostile ring 3: a program booted in Ember's place. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkTestKernel } from '../../build/guest.mjs';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'ember-hostile-'));
const image = path.join(dir, 'hostile.elf');
const functions = new Functions();
beforeAll(() => linkTestKernel({ source: 'test/hostile/hostile.c', output: image }));
afterAll(async () => {
  await functions.close();
  rmSync(dir, { recursive: true });
});

async function attack(accel: 'tcg' | 'kvm', cpu?: string): Promise<string[]> {
  const guest = await functions.start({ image, accel, cpu });
  await expect.poll(() => guest.console(), { timeout: 25_000, interval: 100 }).toContain('the end');
  return guest.console().split('\r\n');
}

function expectNothingGotThrough(lines: string[]): void {
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(lines.at(-3)).toMatch(/^1\d{3} refused, 0 failed$/);
  expect(Number(/^(\d+) calls$/.exec(lines.at(-4) ?? '')?.[1])).toBeGreaterThan(10_000);
}

describe('a hostile ring 3', () => {
  it('gets nowhere on a processor without SMEP and SMAP', async () => {
    expectNothingGotThrough(await attack('tcg'));
  });

  it('gets nowhere on a processor that has them', async () => {
    expectNothingGotThrough(await attack('tcg', 'max'));
  });

  const reason = whyNoKvm();
  it.skipIf(reason !== null)(`gets nowhere under KVM${reason === null ? '' : ` (skipped: ${reason})`}`, async () => {
    expectNothingGotThrough(await attack('kvm'));
  });
});

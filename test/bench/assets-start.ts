import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendAssets } from '#core/runtimes/ember/pack-assets.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { Machine } from '../../guest/test/machine.ts';
import { round } from './figures.ts';
import type { BenchOptions } from './options.ts';

type Accel = 'tcg' | 'kvm';

export interface AssetsStartOptions {
  /** An image of a function that reads its first asset through the guest's disk when its event says `read`. */
  readonly image: string;
  readonly dir: string;
  readonly firmwarePath: string;
  readonly accels: readonly Accel[];
  readonly runs: number;
  readonly log: BenchOptions['log'];
}

/** The handler's source. It reads sectors as core/bundle/shims/assets.ts does: the last one, which leads to the index, and a page. */
export const readingHandler = `const call = globalThis[Symbol.for('firstlight.assets')];
const read = (sector, bytes) => {
  const to = new ArrayBuffer(bytes), isRead = new Uint32Array(1);
  call(1, sector, to, isRead.buffer);
  return isRead[0];
};
export default ({ reads }) => {
  if (!reads) return 'nothing';
  const size = new Uint32Array(1);
  call(0, size.buffer);
  return read(size[0] - 1, 512) + read(size[0] - 9, 4096);
};`;

const kinds = { none: [false, false], attached: [true, false], read: [true, true] } as const;

/**
 * What a disk of assets costs a start: QEMU without it, with it, and with a function that reads from it, in turn. Units: ms from
 * QEMU's start to its open channel, and from the resume to the answer.
 */
export async function compareAssetsStarts(options: AssetsStartOptions) {
  const { image, dir, accels, runs, log } = options;
  const folder = join(dir, 'assets');
  await mkdir(folder);
  await writeFile(join(folder, 'page'), Buffer.alloc(1 << 20, 1));
  const packed = join(dir, 'assets.elf');
  await copyFile(image, packed);
  await appendAssets(packed, folder, new AbortController().signal);
  const samples = new Map<string, { readonly openMs: number; readonly answerMs: number }[]>();
  for (let turn = 0; turn <= runs; turn++) {
    for (const accel of accels) {
      for (const [kind, [hasDisk, reads]] of Object.entries(kinds)) {
        const sample = await start(options, accel, hasDisk ? packed : null, reads);
        const key = `${kind} ${accel}`;
        // The first of each fills caches, and measures the rate of the counter.
        if (turn > 0) samples.set(key, [...(samples.get(key) ?? []), sample]);
      }
    }
    log(`assets ${turn}/${runs}`);
  }
  const spread = (values: readonly number[]) => ({
    median: round(quantile(values, 0.5)),
    min: round(Math.min(...values)),
  });
  return Object.fromEntries(
    [...samples].map(([key, taken]) => [
      key,
      { openMs: spread(taken.map(({ openMs }) => openMs)), answerMs: spread(taken.map(({ answerMs }) => answerMs)) },
    ]),
  );
}

async function start({ image, firmwarePath }: AssetsStartOptions, accel: Accel, disk: string | null, reads: boolean) {
  const extra = disk === null ? [] : ['-drive', `file=${disk},format=raw,if=virtio,readonly=on`];
  const machine = new Machine({ image: disk ?? image, accel, firmwarePath, paused: true, extra });
  try {
    await machine.open();
    const openMs = performance.now() - machine.startedAt;
    machine.sendInvoke({ reads });
    const resumedAt = performance.now();
    await machine.resume();
    await machine.hello();
    const frame = await machine.next();
    if (frame.type !== 'response' || new TextDecoder().decode(frame.body) !== (reads ? '2' : '"nothing"'))
      throw new Error(`The guest answered with ${frame.type}.`);
    return { openMs, answerMs: (machine.arrivedAt.get(frame) ?? 0) - resumedAt };
  } finally {
    await machine.close();
  }
}

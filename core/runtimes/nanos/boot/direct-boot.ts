/** Kernels that the VMM loads itself, without boot code on a disk: a trial boot shows which of them work here. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { HostRequest } from '#core/runtime/machines.ts';
import { sha256 } from '#core/store/digest.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { type Layout, readableFileMode } from '#core/store/layout.ts';
import { readJson } from '#core/store/read-json.ts';
import { undefinedIfMissing, writeAtomic } from '#core/store/write-atomic.ts';
import { findFirmware } from '#core/vmm/firmware.ts';
import type { Machine } from '#core/vmm/machine.ts';
import { type ProbeOutcome, probeBoot } from '#core/vmm/probe-boot.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { NanosFiles } from '../releases/releases.ts';
import { isKernelOutput, makeProbeMachine } from './probe-disk.ts';
import { findPvhEntry, markPvhKernel } from './pvh-kernel.ts';

/** The parts of a release that a direct boot needs. */
export type DirectRelease = Pick<NanosFiles, 'version' | 'kernelImg' | 'digest'>;

export interface DirectBoot {
  /**
   * The kernel to load, marked to print when it is entered where possible. Errors: BAD_INPUT when it has no such entry.
   */
  readonly kernel: (release: DirectRelease) => Promise<Machine['kernel']>;
  /** True when a probe saw this release boot this way. Makes no probe. */
  readonly isKnownToWork: (release: DirectRelease, accel: Accel, vmm: Pick<Vmm, 'uri'>) => Promise<boolean>;
  /**
   * Finds out whether a release boots this way, where that is not known yet. Settles when it is known, cannot be known
   * for now, or the caller has stopped waiting.
   */
  readonly findOut: (release: DirectRelease, request: Omit<HostRequest, 'config'>) => Promise<void>;
}

export interface DirectBootOptions {
  readonly layout: Layout;
  readonly log: (line: string) => void;
  /** The firmware to load a kernel with, and the boot of a probe: both replaced in tests. */
  readonly firmware?: (() => string | null) | undefined;
  readonly probe?: typeof probeBoot | undefined;
}

/** Raised when a kernel is marked differently. */
const markerVersion = 1;
/**
 * Emulated, the kernel spoke after 0.2 to 0.4 s on a machine with three times more to do than processors. A kernel that
 * cannot boot this way mostly ends at once, without a wait.
 */
const patienceMs: Readonly<Record<Accel, number>> = { kvm: 2_000, tcg: 8_000 };
/** libvirt takes 0.3 s to start a guest, or some seconds on a busy machine. */
const creatingMs = 5_000;
/** A probe without a clear result is repeated after this. */
const inconclusiveMs = 10 * 60_000;

const findingSchema = z.strictObject({ key: z.string(), works: z.boolean(), untilMs: z.number().optional() });
type Finding = z.output<typeof findingSchema>;

export function createDirectBoot(options: DirectBootOptions): DirectBoot {
  const { layout, log, firmware = findFirmware, probe = probeBoot } = options;
  const known = new Map<string, Finding>();
  const underWay = new Map<string, Promise<void>>();

  /** The facts that the answer depends on. Null: no firmware leaves memory as the kernel needs it. */
  async function keyOf({ digest }: DirectRelease, accel: Accel, uri: string): Promise<string | null> {
    const path = firmware();
    if (path === null) return null;
    const { size, mtimeMs } = await stat(path);
    return `${markerVersion} ${digest} ${path} ${size} ${mtimeMs} ${accel} ${uri}`;
  }

  const savedPath = (key: string) => join(layout.probesDir, `direct-${sha256(key).slice(0, 16)}.json`);

  /** Undefined: not known, or no longer valid. */
  async function recall(key: string): Promise<boolean | undefined> {
    const finding = known.get(key) ?? (await readSaved(key));
    if (finding === undefined || (finding.untilMs !== undefined && Date.now() >= finding.untilMs)) return undefined;
    known.set(key, finding);
    return finding.works;
  }

  async function readSaved(key: string): Promise<Finding | undefined> {
    const saved = await readJson(savedPath(key), findingSchema);
    return saved.ok && saved.value?.key === key ? saved.value : undefined;
  }

  async function save(finding: Finding): Promise<void> {
    known.set(finding.key, finding);
    try {
      await layout.ensure(layout.probesDir);
      await writeAtomic(savedPath(finding.key), JSON.stringify(finding), { durable: false });
    } catch (thrown) {
      log(`What was found of direct boot could not be kept: ${toFirstlightError(thrown).message}`);
    }
  }

  async function kernel(release: DirectRelease): Promise<NonNullable<Machine['kernel']>> {
    const path = join(layout.kernelsDir, `nanos-${release.digest.slice(0, 16)}-${markerVersion}.img`);
    if ((await stat(path).catch(undefinedIfMissing)) !== undefined) return { path, cmdline: '' };
    const original = await readFile(release.kernelImg);
    if (findPvhEntry(original) === null) throw cannotBeLoaded(release);
    const marked = markPvhKernel(original);
    if (marked === null) return { path: release.kernelImg, cmdline: '' };
    await layout.ensure(layout.kernelsDir);
    await writeAtomic(path, marked, { mode: readableFileMode, durable: false });
    return { path, cmdline: '' };
  }

  /** Boots the kernel on a disk without boot code and without a program. */
  async function boot(release: DirectRelease, accel: Accel, vmm: Vmm): Promise<ProbeOutcome> {
    const loaded = await kernel(release);
    return await probe({
      vmm,
      layout,
      title: `Firstlight: does Nanos ${release.version} boot directly?`,
      doing: doing(release),
      makeMachine: (makeDiskDir) =>
        makeProbeMachine({
          layout,
          accel,
          kernelImg: release.kernelImg,
          bootImage: null,
          kernel: loaded,
          makeDiskDir,
        }),
      isMarker: isKernelOutput,
      patienceMs: patienceMs[accel],
      totalMs: creatingMs + patienceMs[accel],
    });
  }

  async function tryOut(key: string, release: DirectRelease, accel: Accel, vmm: Vmm): Promise<void> {
    try {
      const outcome = await boot(release, accel, vmm);
      const isClear = outcome.kind === 'spoke' || outcome.kind === 'silent';
      await save({
        key,
        works: outcome.kind === 'spoke',
        ...(!isClear && { untilMs: Date.now() + inconclusiveMs }),
      });
      if (outcome.kind === 'refused') log(toFirstlightError(outcome.cause).message);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      // A kernel without an entry stays without one.
      if (error.code === 'BAD_INPUT') known.set(key, { key, works: false });
      log(error.message);
    }
  }

  return {
    kernel,
    isKnownToWork: async (release, accel, { uri }) => {
      const key = await keyOf(release, accel, uri);
      return key !== null && (await recall(key)) === true;
    },
    findOut: async (release, { accel, vmm, progress, signal }) => {
      const key = await keyOf(release, accel, vmm.uri);
      if (key === null || (await recall(key)) !== undefined) return;
      progress?.({ step: 'probe', message: `Finding out whether Nanos ${release.version} boots directly` });
      const trying = underWay.get(key) ?? tryOut(key, release, accel, vmm).finally(() => underWay.delete(key));
      underWay.set(key, trying);
      await Promise.race([trying, aborted(signal)]);
    },
  };
}

const doing = ({ version }: DirectRelease) => `find out whether Nanos ${version} boots directly`;

const aborted = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });

const cannotBeLoaded = ({ version }: DirectRelease) =>
  new FirstlightError('BAD_INPUT', `The kernel of Nanos ${version} has no PVH entry, which direct boot needs.`, {
    hint: 'Set "nanos.boot" to "auto" or "disk" in firstlight.json, or use another release.',
  });

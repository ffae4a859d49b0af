/**
 * A runtime in one folder, registered by one line: the floor guest, which prints one byte and halts. Its answer is its
 * output, so an invocation is the boot.
 */
import { copyFile, stat } from 'node:fs/promises';
import type { Runtime, RuntimeDefinition } from '#core/runtime/runtime.ts';
import type { GuestSession, InstanceLink } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { kernelProbeGuest } from '#core/vmm/probe-guest.ts';
import { FirstlightError } from '#shared/errors.ts';
import { bytes, type HostNs } from '#shared/model/units.ts';

export const toy: RuntimeDefinition = {
  id: 'toy',
  title: 'Toy',
  description: 'Says one byte.',
  defaultMemoryMiB: 32,
  runsPrograms: false,
  create: async ({ layout, resources: { floorKernelPath } }): Promise<Runtime> => ({
    id: 'toy',
    // Its build.
    bundling: {
      engine: 'bare',
      runsFunction: () => true,
      ownPaths: () => [],
      networkAsks: () => [],
      optionsInImage: () => [],
    },
    fingerprint: async () => 'toy 1',
    buildImage: async (_bundle, path) => {
      await copyFile(floorKernelPath, path);
      const { size } = await stat(path);
      return {
        bytes: size,
        minMemoryMiB: 8,
        steps: [{ name: 'write', reused: false, reason: '', durationMs: 0 }],
      };
    },
    // Its machine.
    probeGuest: async () => kernelProbeGuest(layout, 'floor', floorKernelPath),
    exclusiveResourceOf: () => 'none',
    prepareMachine: async ({ image, config: { memoryMiB, vcpus }, accel }) => ({
      machine: plainMachine({ accel, memoryMiB, vcpus }, { kernel: { path: image.path, cmdline: '' } }),
      sessionInfo: null,
    }),
    // Its session.
    openSession: async (link) => openToySession(link),
    // The reading of its console.
    readPanic: () => null,
    checks: [{ id: 'toy', title: 'Toy', look: async () => ({ status: 'ok', found: 'always there' }) }],
  }),
};

function openToySession({ onSerial, ended }: InstanceLink): GuestSession {
  const spoke = new Promise<{ readonly text: string; readonly atNs: HostNs }>((resolve) => {
    onSerial((chunk, atNs) => resolve({ text: new TextDecoder().decode(chunk), atNs }));
  });
  return {
    ready: spoke.then(() => undefined),
    invoke: async () => {
      const sentAtNs = hostNow();
      const heard = await Promise.race([spoke, ended.then(() => null)]);
      const marks = { sentAtNs, receivedAtNs: heard?.atNs ?? hostNow(), marks: [], received: [] };
      if (heard === null) {
        const error = new FirstlightError('CHANNEL_BROKEN', 'The guest ended before it spoke.');
        return { ...marks, outcome: { ok: false, error, fatal: true } };
      }
      const body = { kind: 'text', value: heard.text } as const;
      const response = { status: 200, headers: {}, body, bytes: bytes(heard.text.length) };
      return { ...marks, outcome: { ok: true, response } };
    },
    sampleClock: async () => [],
    closed: ended.then(() => null),
    close: () => undefined,
  };
}

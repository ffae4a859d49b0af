import type { HostInfo } from '#shared/model/host.ts';
import { type Instance, instanceSchema } from '#shared/model/instance.ts';
import { type Project, projectSchema } from '#shared/model/project.ts';
import { type Run, runSchema } from '#shared/model/run.ts';
import { type BootTimeline, phaseNames } from '#shared/model/timeline.ts';
import { ns } from '#shared/model/units.ts';

export const project: Project = projectSchema.parse({
  id: '0123456789ab',
  dir: '/somewhere/hello',
  name: 'hello',
  config: { name: 'hello', runtime: 'ember', memoryMiB: 64 },
  problems: [],
  trusted: true,
  asks: [],
});

export const localHost: HostInfo = { name: 'local', uri: 'qemu:///system', state: 'connected', failure: null };

export const instance: Instance = instanceSchema.parse({
  id: 'hello-3f2a',
  domain: 'firstlight-hello-3f2a',
  uuid: '8f0c2c0e-0000-4000-8000-000000000000',
  uri: 'qemu:///system',
  state: 'ready',
  failure: null,
  accel: 'tcg',
  startMode: 'cold',
  runtime: 'ember',
  projectId: project.id,
  functionName: 'hello',
  imageId: 'a'.repeat(64),
  memoryMiB: 64,
  vcpus: 1,
  keep: true,
  createdAt: '2026-01-01T00:00:00.000Z',
  runId: 'mbcdefgh-abc123',
});

/** 1, 2, 4 … 128 ms: 255 ms in all. */
export const timeline: BootTimeline = {
  startMode: 'cold',
  accel: 'tcg',
  totalNs: ns(255e6),
  complete: true,
  phases: phaseNames.map((name, index) => ({
    name,
    startNs: ns((2 ** index - 1) * 1e6),
    durationNs: ns(2 ** index * 1e6),
    errorNs: ns(0),
  })),
  ahead: null,
  marks: [
    {
      name: 'ember.main',
      label: 'Ember’s entry',
      atNs: ns(7e6),
      source: 'guest',
      clock: 'guest-tsc',
      errorNs: ns(50e3),
    },
  ],
};

export const run: Run = runSchema.parse({
  id: 'mbcdefgh-abc123',
  projectId: project.id,
  functionName: 'hello',
  projectDir: project.dir,
  runtime: 'ember',
  startedAt: '2026-01-01T00:00:00.000Z',
  clickedAtMs: 0,
  startMode: 'cold',
  outcome: 'ok',
  image: { id: 'a'.repeat(64), bytes: 1_400_000, cached: true, buildMs: 3.2 },
  instance: { ...instance, runId: undefined },
  event: null,
  response: {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: { kind: 'json', value: { hello: 'Ada' } },
    bytes: 15,
  },
  error: null,
  timeline,
  metrics: {
    cpuMs: 120,
    peakMemoryBytes: 41_000_000,
    diskReadBytes: 0,
    diskWriteBytes: 0,
    netReceiveBytes: 0,
    netTransmitBytes: 0,
  },
  samples: [],
});

export { FakeError } from './client-link.ts';
export { FakeDomain, FakePort } from './fake-domain.ts';
export { FakeLibvirt, type FakeOptions } from './fake-libvirt.ts';
export type { Fault, FaultRule } from './faults.ts';
export { fuzzTargets } from './fuzz-targets.ts';

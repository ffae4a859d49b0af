import type { Finding } from '#core/runtime/check.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import type { Hosts } from '#core/vmm/hosts.ts';

/** The parts of the engine that a check can use. */
export interface DoctorContext {
  readonly hosts: Pick<Hosts, 'local' | 'list' | 'load'>;
  readonly layout: Layout;
  readonly resources: Resources;
  readonly runtimes: readonly Runtime[];
  readonly uid: number;
  readonly userName: string;
  /** True to repeat probes whose results are cached. */
  readonly fresh: boolean;
}

/** One check. `look` returns a finding for a fault, and throws only when it cannot check. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly look: (context: DoctorContext) => Promise<Finding>;
}

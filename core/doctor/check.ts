import type { Finding } from '#core/runtime/check.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import type { Accelerator } from '#core/vmm/accelerator.ts';
import type { LibvirtLink } from '#core/vmm/libvirt/libvirt-link.ts';

/** The parts of the engine that a check can use. */
export interface DoctorContext {
  readonly link: LibvirtLink;
  readonly layout: Layout;
  readonly resources: Resources;
  readonly accelerator: Accelerator;
  readonly runtimes: readonly Runtime[];
  readonly uid: number;
  readonly userName: string;
  /** Repeat what is otherwise kept from an earlier look. */
  readonly fresh: boolean;
}

/** One thing to look at. `look` does not throw for what it finds. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly look: (context: DoctorContext) => Promise<Finding>;
}

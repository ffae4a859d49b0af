import type { Releases } from '#core/runtimes/nanos/releases/releases.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import type { Accelerator } from '#core/vmm/accelerator.ts';
import type { LibvirtLink } from '#core/vmm/libvirt/libvirt-link.ts';
import type { DoctorCheck } from '#shared/model/doctor.ts';
import type { RuntimeId } from '#shared/model/project.ts';

/** The parts of the engine that a check can use. */
export interface DoctorContext {
  readonly link: LibvirtLink;
  readonly layout: Layout;
  readonly resources: Resources;
  readonly accelerator: Accelerator;
  readonly runtimes: readonly RuntimeId[];
  readonly releases: Releases;
  readonly uid: number;
  readonly userName: string;
  /** Repeat what is otherwise kept from an earlier look. */
  readonly fresh: boolean;
}

/** The result of a check. */
export interface Finding {
  readonly status: DoctorCheck['status'];
  readonly found: string;
  readonly why?: string;
  readonly fix?: Fix;
  /** Versions that were seen on the way. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface Fix {
  readonly label: string;
  /** A command that a person can run. */
  readonly command: string;
  /** The same, done by us; absent when we may not, or it would not take effect at once. Errors: TOOL_FAILED, TOOL_MISSING. */
  readonly apply?: () => Promise<void>;
}

/** One thing to look at. `look` does not throw for what it finds. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly look: (context: DoctorContext) => Promise<Finding>;
}

export const ok = (found: string, versions: Readonly<Record<string, string>> = {}): Finding => ({
  status: 'ok',
  found,
  versions,
});

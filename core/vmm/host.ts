import type { Layout } from '#core/store/layout.ts';
import type { Accelerator } from './accelerator.ts';
import type { Vmm } from './vmm.ts';

/** A place where machines run and images lie. */
export interface Host {
  readonly name: string;
  /** What starts its machines. */
  readonly vmm: Vmm;
  /** Where the files of its machines lie. */
  readonly layout: Layout;
  readonly accelerator: Accelerator;
}

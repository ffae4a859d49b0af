import type { Layout } from '#core/store/layout.ts';
import type { Accelerator } from './accelerator.ts';
import type { Vmm } from './vmm.ts';

/** A place where machines run and images lie. */
export interface Host {
  readonly name: string;
  /** The VMM that starts its machines. */
  readonly vmm: Vmm;
  /** The places of its machines' files. */
  readonly layout: Layout;
  readonly accelerator: Accelerator;
}

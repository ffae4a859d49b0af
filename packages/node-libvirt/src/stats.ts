import type { CallOptions } from './call-options.ts';
import type { Domain } from './domain.ts';
import { StatsFlag, StatsType } from './protocol.gen.ts';
import type { Params, ParamValue } from './typed-params.ts';

/** The requested groups of numbers (none named: all of them), and the domains. */
export interface StatsOptions extends CallOptions {
  state?: boolean;
  cpu?: boolean;
  balloon?: boolean;
  vcpu?: boolean;
  interface?: boolean;
  block?: boolean;
  iothread?: boolean;
  memory?: boolean;
  vm?: boolean;
  /** Leave out the numbers that would need a wait for a busy domain. */
  nowait?: boolean;
  /** Only running domains. */
  active?: boolean;
  /** Only these domains. */
  domains?: readonly Domain[];
}

/** One domain's numbers. */
export interface DomainStats {
  domain: Domain;
  /** Keyed by libvirt's field names, as in `params['cpu.time']` (ns) or `params['balloon.current']` (KiB). */
  params: Params;
  /** The time when the reply reached this process. Units: nanoseconds of process.hrtime. */
  receivedAtNs: bigint;
}

const groups = [
  ['state', StatsType.STATE],
  ['cpu', StatsType.CPU_TOTAL],
  ['balloon', StatsType.BALLOON],
  ['vcpu', StatsType.VCPU],
  ['interface', StatsType.INTERFACE],
  ['block', StatsType.BLOCK],
  ['iothread', StatsType.IOTHREAD],
  ['memory', StatsType.MEMORY],
  ['vm', StatsType.VM],
] as const;

/** The two words that libvirt takes for StatsOptions. */
export function statsFlags(options: StatsOptions): { stats: number; flags: number } {
  let stats = 0;
  for (const [key, bit] of groups) if (options[key]) stats |= bit;
  return { stats, flags: (options.nowait ? StatsFlag.NOWAIT : 0) | (options.active ? StatsFlag.ACTIVE : 0) };
}

/**
 * Gathers numbered fields, so that `net.0.name`, `net.0.rx.bytes` become `[{ name, 'rx.bytes' }]`.
 *
 * Shape: one object for each index of `prefix` ('vcpu', 'net', 'block', …); indices that are missing are left out.
 */
export function listOf(params: Params, prefix: string): Record<string, ParamValue>[] {
  const items = new Map<number, Record<string, ParamValue>>();
  for (const [field, value] of Object.entries(params)) {
    if (!field.startsWith(`${prefix}.`)) continue;
    const [index = '', ...rest] = field.slice(prefix.length + 1).split('.');
    if (!/^\d+$/.test(index) || rest.length === 0) continue;
    const item = items.get(Number(index)) ?? {};
    item[rest.join('.')] = value;
    items.set(Number(index), item);
  }
  return [...items].sort(([a], [b]) => a - b).map(([, item]) => item);
}

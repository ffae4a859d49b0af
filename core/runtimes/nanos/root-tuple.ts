/** The root tuple of an image, which the kernel reads before it starts the program. */

import type { Tuple, TupleValue } from '@firstlight/tfs';
import { userNetwork } from '#core/runtime/user-network.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { NanosConfig, NanosOptions } from './options.ts';

/** The parts of a root tuple other than its options. */
export interface RootContent {
  readonly program: string;
  /** Begins with the program's own name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Default working directory; the option `cwd` overrides it. */
  readonly cwd: string | null;
  readonly volumes: ProjectConfig['volumes'];
  readonly config: Pick<NanosConfig, 'options' | 'debug' | 'address' | 'network'>;
  /** True when there are klibs in the image, in its folder `/klib`. */
  readonly hasKlibs: boolean;
}

/** Nanos' form of true. */
const yes = 't';

/**
 * The root tuple, without `children`. Shape: entries in a fixed order, so that equal content gives equal bytes.
 *
 * Source: nanovms/nanos at b9c3671d: names and types as `nanosOptionsSchema` names its places;
 * `exec_wait_for_ip4_secs`, `ipaddr` and the related options are read from the root for the first interface.
 */
export function rootTuple({ program, args, env, cwd, volumes, config, hasKlibs }: RootContent): Tuple {
  const { options, debug } = config;
  const root = new Map<string, TupleValue>([
    ['program', program],
    ['arguments', [...args]],
    ['environment', sortedTuple(env)],
  ]);
  const set = (name: string, value: TupleValue | undefined) => value !== undefined && root.set(name, value);
  if (cwd !== null) set('cwd', cwd);
  for (const [name, value] of addressOf(config)) set(name, value);
  const mounts = Object.entries(volumes).map(([label, { mount }]) => [label, mount]);
  if (mounts.length > 0) set('mounts', sortedTuple(Object.fromEntries(mounts)));
  // Any word but `bootfs` means the folder /klib of this file system.
  if (hasKlibs) set('klibs', 'rootfs');
  for (const name of Object.keys(options).sort() as (keyof NanosOptions)[]) set(name, optionValue(name, options[name]));
  if (debug.trace) set('trace', options.trace === undefined ? 'all' : optionValue('trace', options.trace));
  if (debug.strace) set('debugsyscalls', yes);
  if (debug.missingFiles) set('missing_files', yes);
  return root;
}

function addressOf({ address, network }: Pick<NanosConfig, 'address' | 'network'>): [string, string | undefined][] {
  const fixed = address ?? (network.kind === 'user' ? userNetwork : null);
  if (fixed === null) return [];
  const mtu = 'mtu' in fixed && fixed.mtu !== undefined ? String(fixed.mtu) : undefined;
  return [
    ['ipaddr', fixed.ip],
    ['netmask', fixed.netmask],
    ['gateway', fixed.gateway],
    ['mtu', mtu],
  ];
}

function optionValue(name: keyof NanosOptions, value: NanosOptions[keyof NanosOptions]): TupleValue | undefined {
  if (value === undefined || value === false) return undefined;
  // The default; the kernel has no word for it, and reports this one as unknown.
  if (name === 'transparent_hugepage' && value === 'always') return undefined;
  if (value === true) return name === 'trace' ? 'all' : yes;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  // The kernel takes its trace subjects as one text.
  if (Array.isArray(value)) return name === 'trace' ? value.join(',') : value.map(String);
  const entries = Object.entries(value).flatMap(([key, item]): [string, TupleValue][] => {
    if (item === undefined || item === false) return [];
    if (Array.isArray(item)) return [[key, new Map(item.map((tag) => [String(tag), yes]))]];
    return [[key, item === true ? yes : String(item)]];
  });
  return entries.length === 0 ? undefined : sortedTuple(Object.fromEntries(entries));
}

const sortedTuple = (values: Readonly<Record<string, TupleValue>>): Tuple =>
  new Map(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));

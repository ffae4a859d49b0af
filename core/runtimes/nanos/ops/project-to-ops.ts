/** A Nanos project as ops' configuration. */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { OpsConfig } from '#core/programs/ops/ops-schema.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project, ProjectConfig } from '#shared/model/project.ts';
import { type NanosConfig, type NanosOptions, nanosConfigOf } from '../options.ts';

export interface OpsExport {
  /** Shape: host paths are absolute. */
  readonly config: OpsConfig;
  /** A sentence for each part of the project that has no place there. */
  readonly notes: readonly string[];
}

/** Errors: BAD_INPUT for a project of another runtime, with errors, or whose program ops has no key for. */
export function projectToOps({ dir, name, config }: Project): OpsExport {
  if (config === null) {
    throw unfit(name, 'its firstlight.json has errors', 'Correct them first: firstlight build says what they are.');
  }
  if (config.runtime !== 'nanos' || (config.program === undefined && config.package === undefined)) {
    const why =
      config.runtime === 'nanos' ? 'what it runs is not a program or package' : `its runtime is ${config.runtime}`;
    throw unfit(name, why, 'ops knows programs (`program`) and packages (`package`).');
  }
  const nanos = nanosConfigOf(config);
  const notes: string[] = [];
  if (config.package !== undefined) {
    notes.push(
      `The package itself is not named in such a file: ops pkg load ${basename(config.package)} -c config.json.`,
    );
  }
  if (config.hostPort !== undefined) notes.push('"hostPort" has no counterpart: ops forwards a port to the same port.');
  if (nanos.network.kind === 'network' || nanos.network.kind === 'none') {
    notes.push(
      `"nanos.network" of the kind "${nanos.network.kind}" has no counterpart: ops uses user mode or a bridge.`,
    );
  }
  const files = exportFiles(config.files, dir, notes);
  const { address, network } = nanos;
  const tcp = [
    ...(config.port === null ? [] : [config.port]),
    ...config.ports.filter(({ udp }) => !udp).map(({ guest }) => guest),
  ];
  const udp = config.ports.filter((port) => port.udp).map(({ guest }) => guest);
  const klibs = [...new Set([...nanos.klibs, ...(nanos.debug.strace ? ['strace'] : [])])];
  const mounts = Object.entries(config.volumes).map(([volume, { mount }]) => [volume, mount]);
  return {
    config: withoutEmpty({
      Program: config.program === undefined ? undefined : resolve(dir, config.program),
      Args: config.args,
      Env: config.env,
      ...files,
      Mounts: Object.fromEntries(mounts),
      Klibs: klibs,
      NanosVersion: nanos.release,
      ...exportOptions(nanos),
      RunConfig: withoutEmpty({
        Memory: `${config.memoryMiB}M`,
        CPUs: config.vcpus === 1 ? undefined : config.vcpus,
        Ports: tcp.map(String),
        UDPPorts: udp.map(String),
        Bridged: network.kind === 'bridge' ? true : undefined,
        BridgeName: network.kind === 'bridge' ? network.name : undefined,
        IPAddress: address?.ip,
        NetMask: address?.netmask,
        Gateway: address?.gateway,
      }),
    }),
    notes,
  };
}

/** Folders go into MapDirs; files by their folder and name, since ops has no other key for them. */
function exportFiles(
  files: ProjectConfig['files'],
  dir: string,
  notes: string[],
): Pick<OpsConfig, 'Files' | 'MapDirs'> {
  const MapDirs: Record<string, string> = {};
  const Files: string[] = [];
  for (const [guest, given] of Object.entries(files)) {
    const host = resolve(dir, given);
    const isFolder = statSync(host, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isFolder) MapDirs[`${host}/*`] = guest;
    else if (host === guest) Files.push(host);
    else if (basename(host) === basename(guest)) MapDirs[host] = dirname(guest);
    else notes.push(`${guest} has no counterpart: ops keeps a file's name, and ${host} has another.`);
  }
  return { Files, MapDirs };
}

function exportOptions({ options, debug }: NanosConfig): OpsConfig {
  const flags: (keyof NanosOptions)[] = [];
  if (debug.trace) flags.push('trace');
  if (debug.missingFiles) flags.push('missing_files');
  if (debug.strace) flags.push('debugsyscalls');
  const passed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name === 'notrace' || (name === 'reboot_on_exit' && value === true) || value === undefined || value === false)
      continue;
    if (value === true) flags.push(name as keyof NanosOptions);
    else passed[name] = value;
  }
  return {
    Debugflags: [...new Set<string>(flags)],
    RebootOnExit: options.reboot_on_exit === true ? true : undefined,
    NoTrace: options.notrace,
    ManifestPassthrough: passed,
  };
}

/** An object without its empty values, as ops itself writes such files. */
function withoutEmpty<Value extends object>(value: Value): Value {
  const says = (entry: unknown) => {
    if (entry === undefined || entry === '') return false;
    return typeof entry !== 'object' || entry === null || Object.keys(entry).length > 0;
  };
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => says(entry))) as Value;
}

const unfit = (name: string, why: string, hint: string) =>
  new FirstlightError('BAD_INPUT', `${name} cannot be written as an ops config.json: ${why}.`, { hint });

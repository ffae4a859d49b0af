/** Converts ops' configuration to that of a project here. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { guestPath } from '@firstlight/files';
import type { z } from 'zod';
import type { OpsConfig } from '#core/programs/ops/ops-schema.ts';
import { parseMemoryMiB, parsePorts } from '#core/programs/ops/ops-values.ts';
import type { ParsedOpsConfig } from '#core/programs/ops/parse-ops-config.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { FirstlightError, Problem } from '#shared/errors.ts';
import { type ConfigFileInput, configFileSchemaFor, envNamePattern } from '#shared/model/project.ts';
import { type NanosConfig, type nanosConfigSchema, nanosOptions, nanosOptionsSchema } from '../options.ts';

type OwnConfig = Omit<ConfigFileInput, 'name'> & { readonly nanos?: z.input<typeof nanosConfigSchema> };

export interface OpsProject {
  /** Without a name. */
  readonly config: OwnConfig;
  /** Further files of the project. Shape: path in the project to text. */
  readonly extraFiles: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
  /** Missing paths of this host, each with the key that names it. */
  readonly missing: readonly { readonly name: string; readonly neededBy: string }[];
}

const resolvPath = 'resolv.conf';

/**
 * The project that `config` becomes. `dir` is the folder of the file, where its paths begin; ops takes them from where
 * it is started.
 *
 * Shape: host paths in the result are absolute. Warnings among the problems name the parts without a counterpart.
 */
export function opsToProject(config: OpsConfig, at: ParsedOpsConfig['at'], dir: string): OpsProject {
  const problems: Problem[] = [];
  const missing: { name: string; neededBy: string }[] = [];
  const files: Record<string, string> = {};
  const options: Record<string, unknown> = {};
  const extraFiles: Record<string, string> = {};
  const warn = (path: (string | number)[], message: string) => problems.push(at(path, message, 'warning'));
  const fail = (path: (string | number)[], message: string) => problems.push(at(path, message, 'error'));
  const base = resolve(dir, config.LocalFilesParentDirectory ?? '.');
  const root = config.TargetRoot ? resolve(dir, config.TargetRoot) : null;

  /**
   * The path of this host that a path of the file means: an absolute one lies below TargetRoot, where it exists there.
   */
  function hostPath(path: string, key: string): string {
    const inRoot = root !== null && path.startsWith('/') ? join(root, path) : null;
    const found = inRoot !== null && existsSync(inRoot) ? inRoot : resolve(base, path);
    if (!existsSync(found)) missing.push({ name: path, neededBy: key });
    return found;
  }

  function addFile(key: string, index: number | string, guest: string, host: string): void {
    try {
      files[guestPath(guest)] = hostPath(host, key);
    } catch (thrown) {
      fail([key, index], (toFirstlightError(thrown) satisfies FirstlightError).message);
    }
  }

  for (const key of ['Files', 'Dirs'] as const) {
    for (const [index, path] of (config[key] ?? []).entries()) addFile(key, index, path, path);
  }
  for (const [source, guest] of Object.entries(config.MapDirs ?? {})) {
    const pattern = basename(source);
    if (pattern === '*') addFile('MapDirs', source, guest, dirname(source));
    else if (!/[*?[]/.test(pattern)) addFile('MapDirs', source, guest, source);
    else
      fail(
        ['MapDirs', source],
        `"${source}" cannot be taken over: only a whole folder can, as "${dirname(source)}/*".`,
      );
  }
  if (config.NameServers?.length) {
    extraFiles[resolvPath] = config.NameServers.map(
      (server) => `nameserver ${server.replace(/[^0-9a-fA-F:.]/g, '')}\n`,
    ).join('');
    files['/etc/resolv.conf'] = resolvPath;
  }

  for (const name of config.Debugflags ?? [])
    setOption(name, true, ['Debugflags', (config.Debugflags ?? []).indexOf(name)]);
  for (const [name, value] of Object.entries(config.ManifestPassthrough ?? {}))
    setOption(name, value, ['ManifestPassthrough', name]);
  if (config.RebootOnExit) options.reboot_on_exit = true;
  if (config.NoTrace?.length) options.notrace = config.NoTrace;

  /** Adopts an option of the root tuple, in Nanos' own form of true. */
  function setOption(name: string, value: unknown, path: (string | number)[]): void {
    const schema = nanosOptionsSchema.shape[name as keyof typeof nanosOptionsSchema.shape];
    if (schema === undefined)
      return void warn(path, `"${name}" has no effect: it is not an option that Firstlight writes into an image.`);
    for (const tried of [value, value === 't' || value === 'true' ? true : value]) {
      const parsed = schema.safeParse(tried);
      if (parsed.success) {
        options[name] = parsed.data;
        return;
      }
    }
    warn(path, `"${name}" has no effect: its value is not one that is known.`);
  }

  const { RunConfig: run = {} } = config;
  const memoryMiB = run.Memory === undefined || run.Memory === '' ? 2048 : parseMemoryMiB(run.Memory);
  if (memoryMiB === null)
    fail(['RunConfig', 'Memory'], `"RunConfig.Memory" must be a size such as 512M or 2G, not "${run.Memory}".`);
  const tcp = portsOf('Ports');
  const udp = portsOf('UDPPorts');
  function portsOf(key: 'Ports' | 'UDPPorts'): number[] {
    const numbers = (run[key] ?? []).flatMap((text, index) => {
      const parsed = parsePorts(text);
      if (parsed === null)
        fail(['RunConfig', key, index], `"${text}" is neither a port nor a range of at most 64 ports.`);
      return parsed ?? [];
    });
    return [...new Set(numbers)];
  }

  const volumes: Record<string, { mount: string }> = {};
  for (const [label, mount] of Object.entries(config.Mounts ?? {})) {
    const name =
      label
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 31) || 'volume';
    volumes[name] = { mount: `/${(mount.split(':')[0] ?? '').replace(/^\/+/, '')}` };
    warn(['Mounts', label], `The volume "${name}" starts empty: what ops’ own volume holds is not copied.`);
  }

  const nic = run.Nics?.[0];
  const ip = nic?.IPAddress || run.IPAddress;
  const netmask = nic?.NetMask || run.NetMask;
  const gateway = nic?.Gateway || run.Gateway;
  const bridge = nic?.BridgeName || run.BridgeName;
  if ((run.Nics?.length ?? 0) > 1) warn(['RunConfig', 'Nics', 1], 'Only the first network card is taken over.');
  if (run.Bridged && !bridge)
    warn(['RunConfig', 'Bridged'], '"RunConfig.Bridged" has no effect without a "BridgeName".');

  const [port, ...further] = tcp;
  const ports = [...further.map((guest) => ({ guest })), ...udp.map((guest) => ({ guest, udp: true }))];
  const program: OwnConfig = {
    ...(config.Program ? { program: hostPath(config.Program, 'Program') } : {}),
    ...(config.Args?.length ? { args: config.Args } : {}),
    ...(Object.keys(files).length > 0 ? { files } : {}),
    port: port ?? null,
    ...(ports.length > 0 ? { ports } : {}),
    ...(Object.keys(volumes).length > 0 ? { volumes } : {}),
  };
  const nanos: z.input<typeof nanosConfigSchema> = {
    ...(config.NanosVersion ? { release: config.NanosVersion } : {}),
    ...(bridge ? { network: { kind: 'bridge' as const, name: bridge } } : {}),
    ...(ip ? { address: { ip, ...(netmask && { netmask }), ...(gateway && { gateway }) } } : {}),
    ...(config.Klibs?.length ? { klibs: [...new Set(config.Klibs)] } : {}),
    ...(Object.keys(options).length > 0 ? { options: options as NanosConfig['options'] } : {}),
  };
  if (!config.Program)
    fail(
      [],
      'No "Program" is named. Name it: `firstlight import config.json --program ./server`; or, for a file that goes with a package, import the package.',
    );
  checkValues({ ...program, nanos }, at, problems);
  for (const name of Object.keys(config.Env ?? {})) {
    if (!envNamePattern.test(name)) fail(['Env', name], `"${name}" is not the name of an environment variable.`);
  }
  return {
    config: {
      runtime: 'nanos',
      memoryMiB: memoryMiB ?? 2048,
      ...(run.CPUs ? { vcpus: run.CPUs } : {}),
      ...(config.Env && Object.keys(config.Env).length > 0 ? { env: config.Env } : {}),
      ...program,
      ...(Object.keys(nanos).length > 0 ? { nanos } : {}),
    },
    extraFiles,
    problems,
    missing,
  };
}

/** Values that ops accepts and Firstlight does not: a klib, an address or a mount with other characters. */
function checkValues(config: OwnConfig, at: ParsedOpsConfig['at'], problems: Problem[]): void {
  const origin: Readonly<Record<string, (string | number)[]>> = {
    'nanos.release': ['NanosVersion'],
    'nanos.klibs': ['Klibs'],
    'nanos.address': ['RunConfig'],
    'nanos.network': ['RunConfig', 'BridgeName'],
    volumes: ['Mounts'],
    files: ['Files'],
    'nanos.options': ['NoTrace'],
  };
  const schema = configFileSchemaFor([{ id: 'nanos', options: nanosOptions }]);
  const parsed = schema.safeParse({ name: 'any', ...config });
  for (const { path, message } of parsed.success ? [] : parsed.error.issues) {
    const key = path.slice(0, path[0] === 'nanos' ? 2 : 1).join('.');
    problems.push(at(origin[key] ?? [], `${path.join('.')} cannot be taken over: it must be ${message}.`, 'error'));
  }
}

/** True for a program that exists and is a file. */
export const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

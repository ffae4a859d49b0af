import { chmod, open as openFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { rootFsAt, writeDerived, writeDisk, writeOverlay } from '@firstlight/disk';
import { createFileTree, type TreeNode } from '@firstlight/files';
import { addNamedFiles } from '#core/programs/add-files.ts';
import { addContainerDefaults, homeFolder } from '#core/programs/container-defaults.ts';
import { openSource } from '#core/programs/open-source.ts';
import type { ProgramSource } from '#core/programs/source.ts';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { BuildContext, BuiltImage } from '#core/runtime/images.ts';
import { type PreparedMachine, podForwardPort } from '#core/runtime/machines.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { chooseForwards, userNetwork, userNetworkIpv6 } from '#core/runtime/user-network.ts';
import type { VolumeProvider } from '#core/runtime/volume.ts';
import { sha256 } from '#core/store/digest.ts';
import type { Layout } from '#core/store/layout.ts';
import { type Machine, type MachineNetwork, plainMachine } from '#core/vmm/machine.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import type { Image } from '#shared/model/image.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { addKlibs } from './add-klibs.ts';
import { type Base, type BaseRequest, createBaseStore } from './base/base-store.ts';
import type { DirectBoot } from './boot/direct-boot.ts';
import { nanosProbeGuest } from './boot/probe-disk.ts';
import { nanosBundling, runsFunction } from './bundling.ts';
import { readNanosPanic } from './crash/read-crash.ts';
import { hasDiagnostics, needsStrace } from './diagnostics.ts';
import { exclusiveResourceOf } from './exclusive-resource.ts';
import { listNanosParts } from './list-parts.ts';
import { type NanosConfig, nanosConfigOf } from './options.ts';
import { releaseCheck } from './release-check.ts';
import type { NanosFiles, Releases } from './releases/releases.ts';
import { rootTuple } from './root-tuple.ts';
import { assignedLine, noNetworkLine } from './session/kernel-lines.ts';
import { openNanosSession } from './session/nanos-session.ts';
import {
  readSessionInfo,
  type SessionInfo,
  type Symbols,
  symbolsSchema,
  urlOf,
  writeSessionInfo,
} from './session/session-info.ts';
import { createTraceSplitter } from './trace/split-trace.ts';

export interface NanosOptions {
  readonly layout: Layout;
  readonly releases: Releases;
  readonly volumes: VolumeProvider;
  readonly directBoot: DirectBoot;
  /** The server that runs a function in the guest. */
  readonly functionServerPath: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Raised when the images of the same content change. */
const builderVersion = 3;

/** The Nanos runtime: Node.js functions, and any Linux program, each a disk image on a shared base. */
export function createNanosRuntime(options: NanosOptions): Runtime {
  const { layout, releases, volumes, directBoot, functionServerPath, env } = options;
  const bases = createBaseStore(layout);

  async function open(config: ProjectConfig, projectDir: string) {
    const nanos = nanosConfigOf(config);
    const [release, source] = await Promise.all([
      releases.resolve(nanos.release),
      openSource(config, projectDir, { layout, functionServerPath, env }),
    ]);
    return { nanos, release, source, request: baseRequest(release, source) };
  }

  type Opened = Awaited<ReturnType<typeof open>>;
  /** The files and the root of an image, with `nanos` as its options. */
  async function listContent(bundle: Bundle, { source, release }: Opened, base: Base, nanos: NanosConfig) {
    const { config, projectDir } = bundle;
    const own = await source.own(bundle, base.facts);
    const builder = createFileTree();
    builder.addAll(base.tree);
    builder.addAll(own.tree);
    addContainerDefaults(builder, own.cwd);
    const outside = await addNamedFiles(builder, config.files, projectDir);
    // The kernel mounts only on existing directories.
    for (const { mount } of Object.values(config.volumes)) builder.add(mount, { kind: 'directory' });
    const klibs = klibsOf(nanos);
    await addKlibs(builder, klibs, release);
    const root = rootTuple({
      program: own.program,
      args: [...own.command, ...own.args],
      env: { HOME: homeFolder, ...own.env, ...config.env },
      cwd: own.cwd,
      volumes: config.volumes,
      config: nanos,
      hasKlibs: klibs.length > 0,
    });
    return { tree: builder.tree, root, own, outside };
  }

  async function buildImage(bundle: Bundle, path: string, context: BuildContext): Promise<BuiltImage> {
    const startedAt = performance.now();
    const opened = await open(bundle.config, bundle.projectDir);
    const { nanos, release } = opened;
    const base = await bases.ensure(opened.request, context);
    const basedAt = performance.now();
    const { tree, root, own, outside } = await listContent(bundle, opened, base, nanos);
    const fromBase = new Set([...base.tree].flatMap(([at, node]) => (tree.get(at) === node ? [at] : [])));
    context.progress({ step: 'write', message: 'Writing the image' });
    const digest = sha256(JSON.stringify([base.digest, bundle.id]));
    await writeDerived(path, { tree, root, label: 'root', digest, base, fromBase }, { signal: context.signal });
    return {
      bytes: (await stat(path)).size,
      base: base.digest,
      runtimeInfo: JSON.stringify(symbolsOf(release, own.program, tree.get(own.program))),
      minMemoryMiB: own.minMemoryMiB,
      warnings: [...base.facts.warnings, ...own.warnings, ...outside],
      steps: [
        { name: 'kernel', reused: true, reason: `Nanos ${release.version}`, durationMs: 0 },
        { name: 'base', reused: base.reused, reason: describeBase(base), durationMs: basedAt - startedAt },
        { name: 'write', reused: false, reason: '', durationMs: performance.now() - basedAt },
      ],
    };
  }

  /** The kernel for a boot that does without the disk's boot code; null for a boot that begins there. */
  async function kernelFor(nanos: NanosConfig, accel: Accel, vmm: Vmm | null): Promise<Machine['kernel']> {
    const isAsked = nanos.boot === 'direct';
    if (!isAsked && !mayBootDirectly(nanos)) return null;
    const release = await releases.resolve(nanos.release);
    const isDirect = isAsked || (vmm !== null && (await directBoot.isKnownToWork(release, accel, vmm)));
    return isDirect ? await directBoot.kernel(release) : null;
  }

  return {
    id: 'nanos',
    probeGuest: () => nanosProbeGuest(layout, releases),
    bundling: nanosBundling,
    checks: [releaseCheck(releases)],
    kernels: releases,
    exclusiveResourceOf,
    fingerprint: async (config, projectDir, context) => {
      const { release, request } = await open(config, projectDir);
      const { digest } = await bases.look(request, context);
      return `nanos ${builderVersion} ${release.digest} ${digest}`;
    },
    buildImage,
    listParts: async ({ config, projectDir }, context) => {
      const { release, request } = await open(config, projectDir);
      return listNanosParts(config, release.version, await bases.ensure(request, context));
    },
    bases,
    probeHost: async ({ config, ...request }) => {
      const nanos = nanosConfigOf(config);
      if (mayBootDirectly(nanos)) await directBoot.findOut(await releases.resolve(nanos.release), request);
    },
    prepareMachine: async ({ instanceId, image, config, accel, vmm, makeDiskDir }): Promise<PreparedMachine> => {
      const nanos = nanosConfigOf(config);
      const dir = await makeDiskDir();
      const disk = join(dir, 'disk.qcow2');
      const [network, attached, kernel] = await Promise.all([
        chooseNetwork(config, nanos),
        volumes.prepare(config.volumes, { instance: instanceId, dir }),
        kernelFor(nanos, accel, vmm),
        diskBytes(image.path).then((bytes) => writeOverlay(disk, { name: image.path, format: 'qcow2' }, bytes)),
      ]);
      await chmod(disk, 0o600);
      await layout.giveToQemu(disk);
      const info = sessionInfo(config, nanos, network, disk, image);
      return {
        machine: plainMachine(
          { accel, memoryMiB: config.memoryMiB, vcpus: config.vcpus },
          {
            processor: 'x86-64-v2',
            kernel,
            disks: [{ path: disk, format: 'qcow2' }, ...attached.map(({ path }) => ({ path, format: 'raw' }) as const)],
            networks: network === null ? [] : [network],
          },
        ),
        sessionInfo: writeSessionInfo({
          ...info,
          boot: kernel === null ? 'disk' : 'direct',
        }),
        symbolsPath: info.symbols?.kernelElf ?? null,
      };
    },
    prepareForPod: async ({ image, config }) => {
      const nanos = nanosConfigOf(config);
      const network = podNetwork(config, nanos);
      const isFunction = runsFunction(config);
      return {
        machine: plainMachine(
          { accel: 'tcg', memoryMiB: config.memoryMiB, vcpus: config.vcpus },
          { processor: 'x86-64-v2', kernel: await kernelFor(nanos, 'tcg', null), networks: [network] },
        ),
        requests: { kind: 'http', saysReady: isFunction },
        takesVariables: isFunction,
        diskPath: image.path,
      };
    },
    writeAloneDisk: async (bundle, path, { signal, progress }) => {
      const { config, projectDir } = bundle;
      const opened = await open(config, projectDir);
      const { nanos, request } = opened;
      const port = deployedPort(config, nanos, 'virtual machine of a cluster');
      const base = await bases.ensure(request, { signal, progress });
      // Without an address of its own the kernel asks for one.
      const { address: _, ...rest } = nanos;
      const { tree, root } = await listContent(bundle, opened, base, { ...rest, network: { kind: 'none' } });
      const digest = sha256(JSON.stringify(['alone', base.digest, bundle.id]));
      const content = { tree, root, label: 'root', digest, boot: request.boot };
      const { bytes } = await writeDisk(path, content, { signal });
      return { port, bytes };
    },
    prepareForHost: async ({ image, config }) => {
      const nanos = nanosConfigOf(config);
      const port = deployedPort(config, nanos, 'libvirt host');
      return {
        machine: plainMachine(
          { accel: 'tcg', memoryMiB: config.memoryMiB, vcpus: config.vcpus },
          { processor: 'x86-64-v2', kernel: await kernelFor(nanos, 'tcg', null) },
        ),
        disk: { path: image.path, bytes: await diskBytes(image.path) },
        network: {
          guestIp: nanos.address?.ip ?? userNetwork.ip,
          port,
          isOpen: nanos.network.kind === 'user' && nanos.network.outbound,
        },
      };
    },
    prepareContainer: async (bundle, context) => {
      const { config, projectDir } = bundle;
      const { source, request } = await open(config, projectDir);
      const base = await bases.ensure(request, context);
      const own = await source.own(bundle, base.facts);
      const builder = createFileTree();
      builder.addAll(own.tree);
      await addNamedFiles(builder, config.files, projectDir);
      return {
        base: base.tree,
        own: builder.tree,
        command: own.command,
        args: own.args,
        env: { HOME: homeFolder, ...own.env, ...config.env },
        cwd: own.cwd,
      };
    },
    openSession: async (link) => openNanosSession(link),
    readPanic: readNanosPanic,
    decodePanic: decodeWithSymbols,
    urlOf: (text) => urlOf(readSessionInfo(text)),
    splitConsole: (wanted) => (wanted === 'program' || wanted === 'trace' ? createTraceSplitter(wanted) : null),
  };
}

function baseRequest(release: NanosFiles, source: ProgramSource): BaseRequest {
  return {
    key: `${release.digest} ${source.baseKey}`,
    plan: source.planBase,
    boot: { bootImage: release.bootImg, kernel: release.kernelImg },
    bootDigest: release.digest,
  };
}

const klibsOf = (nanos: NanosConfig): string[] => [
  ...new Set([...nanos.klibs, ...(needsStrace(nanos) ? ['strace'] : [])]),
];

/** With klibs and little memory, a kernel that was loaded directly never starts its program (seen with b9c3671d). */
const mayBootDirectly = (nanos: NanosConfig): boolean => nanos.boot === 'auto' && klibsOf(nanos).length === 0;

function describeBase({ facts, reused, layout }: Base): string {
  const size = formatBytes(layout.bytes - rootFsAt);
  return reused ? `reused: ${facts.description}, ${size}, as they were` : `${facts.description}, ${size}`;
}

async function chooseNetwork(config: ProjectConfig, { network, address }: NanosConfig): Promise<MachineNetwork | null> {
  // A card that nothing could pass would only make the kernel speak of it while the program prints its answer.
  const isShut = network.kind === 'user' && !network.outbound && address === undefined;
  if (isShut && config.port === null && config.ports.length === 0) return null;
  switch (network.kind) {
    case 'none':
      return null;
    case 'user':
      return {
        kind: 'user',
        guestIp: address?.ip ?? userNetwork.ip,
        forwards: await chooseForwards(config),
        isRestricted: !network.outbound,
      };
    default:
      return network;
  }
}

/** The port that a deployed function serves at. Errors: MACHINE_UNSUPPORTED for what one of many, which come and go, cannot have. */
function deployedPort(config: ProjectConfig, { network }: NanosConfig, place: string): number {
  const refuse = (what: string, hint: string) =>
    new FirstlightError('MACHINE_UNSUPPORTED', `${config.name} ${what}, which no ${place} carries.`, { hint });
  if (config.port === null)
    throw refuse('serves no port', 'Set "port" in firstlight.json to the port that it serves HTTP at.');
  if (Object.keys(config.volumes).length > 0) throw refuse('has volumes', 'Keep its data in a service beside it.');
  if (config.ports.length > 0) throw refuse('has further "ports"', 'Deploy what serves one port.');
  if (network.kind !== 'user') {
    throw refuse(`is on a network of kind "${network.kind}"`, 'Use "nanos.network" of kind "user" for the deploy.');
  }
  return config.port;
}

/** Errors: as `deployedPort`. */
function podNetwork(config: ProjectConfig, nanos: NanosConfig): MachineNetwork {
  const guestPort = deployedPort(config, nanos, 'pod');
  return {
    kind: 'user',
    guestIp: nanos.address?.ip ?? userNetwork.ip,
    forwards: [{ protocol: 'tcp', hostPort: podForwardPort, guestPort }],
    isRestricted: nanos.network.kind === 'user' && !nanos.network.outbound,
  };
}

function sessionInfo(
  config: ProjectConfig,
  nanos: NanosConfig,
  network: MachineNetwork | null,
  disk: string,
  { runtimeInfo }: Image,
): Omit<SessionInfo, 'boot'> {
  const symbols = runtimeInfo === undefined ? null : symbolsSchema.parse(JSON.parse(runtimeInfo));
  if (network === null || config.port === null) {
    const { expected_exit_code: expectedExitCode } = nanos.options;
    return {
      ...{ kind: 'job', host: null, port: 0, disk, expectedExitCode, symbols },
      ...{ hasDiagnostics: hasDiagnostics(nanos), kernelSays: kernelSays(nanos, network) },
    };
  }
  const kind = runsFunction(config) ? 'function' : 'http';
  if (network.kind !== 'user') return { kind, host: nanos.address?.ip ?? null, port: config.port, disk, symbols };
  return { kind, host: '127.0.0.1', port: network.forwards[0]?.hostPort ?? 0, disk, symbols };
}

/** Undefined where it cannot be known: at a level of its log, or on a network that gives addresses. */
function kernelSays({ options }: NanosConfig, network: MachineNetwork | null): string[] | undefined {
  if (options.log_level !== undefined && options.log_level !== 'err') return undefined;
  if (network === null) return [noNetworkLine];
  return network.kind === 'user' ? [network.guestIp, ...userNetworkIpv6].map(assignedLine) : undefined;
}

function symbolsOf({ kernelElf }: NanosFiles, path: string, node: TreeNode | undefined): Symbols {
  const hostPath = node?.kind === 'file' && node.content.kind === 'host' ? node.content.path : null;
  return { kernelElf, program: hostPath === null ? null : { path, hostPath } };
}

async function decodeWithSymbols(consoleText: string, info: string | null): Promise<string | null> {
  const { symbols } = readSessionInfo(info);
  // Loaded with the first crash.
  const { decodeCrash } = await import('./crash/decode-crash.ts');
  const crash = await decodeCrash(consoleText, symbols ?? {});
  return crash === null ? null : `${crash.stack}\n\n${crash.output}`;
}

/** The size of the disk in a qcow2 file of ours. */
async function diskBytes(path: string): Promise<number> {
  const file = await openFile(path, 'r');
  try {
    const size = Buffer.alloc(8);
    await file.read(size, 0, 8, 24);
    return Number(size.readBigUInt64BE());
  } finally {
    await file.close();
  }
}

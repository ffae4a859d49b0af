import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Finding, ok } from '#core/runtime/check.ts';
import type { MachineRequest } from '#core/runtime/machines.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { digestFile } from '#core/store/digest.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { kernelProbeGuest } from '#core/vmm/probe-guest.ts';
import { makeReadableCopy } from '#core/vmm/readable-copy.ts';
import { FirstlightError } from '#shared/errors.ts';
import { asResident, prepareEmberAlone } from './alone.ts';
import { emberBundling } from './bundling.ts';
import { describeLacks } from './describe-lacks.ts';
import { openEmberSession } from './guest-session.ts';
import { consolePortName, invokePortName, vsockPorts } from './layout.ts';
import { listEmberParts } from './list-parts.ts';
import {
  exclusiveResourceOf,
  hasNetwork,
  hostNetworkOf,
  imageNetworkOf,
  machineNetworkOf,
  readEmberUrl,
  writeEmberInfo,
} from './network.ts';
import { emberConfigOf } from './options.ts';
import { appendAssets } from './pack-assets.ts';
import { readEmberPanic } from './read-panic.ts';
import { sharesOf } from './share.ts';
import shipped from './shipped.json' with { type: 'json' };
import { createStreamSplitter } from './split-streams.ts';
import type { Baker } from './types.ts';

export interface EmberOptions {
  readonly layout: Layout;
  readonly resources: Pick<Resources, 'pathOf' | 'version'>;
  /**
   * The rate of this host's time-stamp counter as earlier guests measured it, which saves the next guest the
   * measurement.
   */
  readonly tscRate: { readonly get: () => bigint; readonly set: (hz: bigint) => void };
}

/** The Ember runtime. Loads and starts each part only when it is needed. */
export function createEmberRuntime({ layout, resources, tscRate }: EmberOptions): Runtime {
  const kernelPath = resources.pathOf(shipped.emberKernel);
  const networkKernelPath = resources.pathOf(shipped.emberNetworkKernel);
  const firmwarePath = resources.pathOf(shipped.emberFirmware);
  const bakeWorkerPath = resources.pathOf(shipped.bakeWorker);
  const workerPath = existsSync(bakeWorkerPath) ? bakeWorkerPath : undefined;
  let baker: Promise<Baker> | null = null;
  const theBaker = () => {
    baker ??= import('./baker.ts').then(({ createBaker }) => createBaker({ workerPath }));
    return baker;
  };
  let firmware: Promise<string> | null = null;
  const theFirmware = () => {
    firmware ??= makeReadableCopy(layout, firmwarePath).catch((thrown) => {
      firmware = null;
      throw thrown;
    });
    return firmware;
  };
  const digests = new Map<string, { readonly mtimeMs: number; readonly bytes: number; readonly sha256: string }>();

  /** Both files change only when Firstlight itself is rebuilt. */
  async function digestOf(path: string): Promise<string> {
    const { mtimeMs, size } = await stat(path);
    const known = digests.get(path);
    if (known !== undefined && known.mtimeMs === mtimeMs && known.bytes === size) return known.sha256;
    const { sha256 } = await digestFile(path);
    digests.set(path, { mtimeMs, bytes: size, sha256 });
    return sha256;
  }

  async function kernelDigest(withNetwork: boolean): Promise<string> {
    try {
      return await digestOf(withNetwork ? networkKernelPath : kernelPath);
    } catch (cause) {
      if (withNetwork) throw noNetworkKernel(networkKernelPath, cause);
      throw new FirstlightError('KERNEL_MISSING', `The guest kernel is not at ${kernelPath}.`, {
        hint: 'Run `npm start`, which builds it.',
        details: { subject: kernelPath },
        cause,
      });
    }
  }

  async function lookAtKernel(): Promise<Finding> {
    for (const path of [kernelPath, firmwarePath]) {
      try {
        await access(path, constants.R_OK);
      } catch {
        // A rebuild repairs any read error.
        return {
          status: 'failed',
          found: `There is no ${path}`,
          why: 'Functions on Ember need it to boot.',
          fix: { label: 'Build it (npm start does so).', command: 'npm start -- doctor' },
        };
      }
    }
    return ok(kernelPath);
  }

  const makeMachine = async ({ image, config, accel }: Pick<MachineRequest, 'image' | 'config' | 'accel'>) =>
    plainMachine(
      { accel, memoryMiB: config.memoryMiB, vcpus: config.vcpus },
      {
        kernel: { path: image.path, cmdline: '', firmwarePath: await theFirmware() },
        channels: [
          { name: invokePortName, carries: 'invocations', vsockPort: vsockPorts.invocations },
          { name: consolePortName, carries: 'output', vsockPort: vsockPorts.console },
        ],
      },
    );

  return {
    id: 'ember',
    probeGuest: async () => kernelProbeGuest(layout, 'ember', kernelPath),
    bundling: emberBundling,
    checks: [{ id: 'kernel', title: 'Guest kernel', look: lookAtKernel }],
    exclusiveResourceOf,
    // With a network, a guest keeps its connections, and the ports of its host; with files, its disk or folder.
    canBeRestored: (config) => !hasNetwork(config) && emberBundling.hasFiles?.(config) !== true,
    fingerprint: async (config) => {
      if (hasNetwork(config)) imageNetworkOf(config);
      const [kernel, worker] = await Promise.all([
        kernelDigest(hasNetwork(config)),
        workerPath === undefined ? 'source' : digestOf(workerPath),
      ]);
      return `ember ${kernel} ${worker}`;
    },
    fingerprintFiles: (config) => [
      hasNetwork(config) ? networkKernelPath : kernelPath,
      ...(workerPath === undefined ? [] : [workerPath]),
    ],
    listParts: async ({ config }) => ({
      parts: await listEmberParts(resources.version, hasNetwork(config)),
      hostFiles: [],
    }),
    buildImage: async (bundle, path, context) => {
      context.progress({ step: 'evaluate', message: 'Evaluating the function and writing its heap into an image' });
      const bake = (await theBaker()).bake({
        bundleCode: bundle.code,
        functionName: bundle.config.name,
        env: bundle.config.env,
        args: bundle.config.args,
        memoryMiB: bundle.config.memoryMiB,
        ...(hasNetwork(bundle.config)
          ? { kernelPath: networkKernelPath, network: imageNetworkOf(bundle.config) }
          : { kernelPath }),
        outPath: path,
        signal: context.signal,
      });
      const { bytes, sha256, minMemoryMiB, evalMs, bakeMs, envAtLoad, argsAtLoad } = await bake;
      const { assets } = emberConfigOf(bundle.config);
      const whole =
        assets === undefined
          ? { bytes, sha256 }
          : { bytes: await appendAssets(path, resolve(bundle.projectDir, assets), context.signal) };
      return {
        ...whole,
        minMemoryMiB,
        envAtLoad,
        argsAtLoad,
        steps: [
          { name: 'kernel', reused: true, reason: 'the guest kernel is part of Firstlight', durationMs: 0 },
          { name: 'evaluate', reused: false, reason: '', durationMs: evalMs },
          { name: 'write', reused: false, reason: '', durationMs: Math.max(0, bakeMs - evalMs) },
        ],
      };
    },
    prepareMachine: async (request) => {
      const { assets } = emberConfigOf(request.config);
      const disks =
        assets === undefined ? [] : [{ path: request.image.path, format: 'raw', isReadOnly: true } as const];
      const machine = { ...(await makeMachine(request)), disks, shares: await sharesOf(request) };
      if (!hasNetwork(request.config))
        return { machine, sessionInfo: null, symbolsPath: resources.pathOf(shipped.emberSymbols) };
      const network = await machineNetworkOf(request.config);
      return {
        machine: { ...machine, networks: [network] },
        sessionInfo: writeEmberInfo(network),
        symbolsPath: resources.pathOf(shipped.emberNetworkSymbols),
      };
    },
    // Without a network: the supervisor serves HTTP for its guest.
    prepareForPod: async (request) => ({
      // The supervisor chooses the accelerator on the node.
      machine: await makeMachine({ ...request, accel: 'tcg' }),
      requests: { kind: 'frames' },
      takesVariables: true,
      diskPath: null,
    }),
    prepareForHost: async (request) => {
      const network = hostNetworkOf(request.config);
      const machine = await makeMachine({ ...request, accel: 'tcg' });
      return { machine: network?.port ? asResident(machine) : machine, disk: null, network };
    },
    prepareAlone: prepareEmberAlone,
    describeLacks,
    openSession: async (link) => {
      const channel = await link.openChannel(invokePortName);
      return openEmberSession(channel, {
        tscHz: tscRate.get(),
        onTscHz: tscRate.set,
        isUp: !link.fresh,
        servesHttp: link.servesHttp ?? readEmberUrl(link.sessionInfo) !== null,
      });
    },
    urlOf: readEmberUrl,
    readPanic: readEmberPanic,
    // The guest has its symbols with it: its report is decoded.
    decodePanic: async (consoleText) => readEmberPanic(consoleText)?.report ?? null,
    splitConsole: (wanted) => (wanted === 'stdout' || wanted === 'stderr' ? createStreamSplitter(wanted) : null),
    close: async () => {
      if (baker !== null) await (await baker).close();
    },
  };
}

const noNetworkKernel = (path: string, cause: unknown) =>
  new FirstlightError(
    'KERNEL_MISSING',
    'The function asks for the network ("ports"), and Ember was built without it.',
    {
      hint: 'Its source is the Debian package lwip: run `npm start` on Debian or Ubuntu with access to their packages, or remove "ports" from firstlight.json.',
      details: { subject: path },
      cause,
    },
  );

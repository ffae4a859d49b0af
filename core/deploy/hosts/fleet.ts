/** The hosts of a target, each with a connection to its libvirt. */
import { hostname } from 'node:os';
import type { Connection } from 'node-libvirt';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { Accelerator } from '#core/vmm/accelerator.ts';
import { isRemote } from '#core/vmm/libvirt/is-remote.ts';
import { answerTimeoutMs, createLibvirtLink } from '#core/vmm/libvirt/libvirt-link.ts';
import { createLibvirtVmm } from '#core/vmm/libvirt/libvirt-vmm.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { LibvirtTarget } from '#shared/model/deploy.ts';
import type { RuntimeId } from '#shared/model/project.ts';

/** A host of a target. */
export interface TargetHost {
  readonly uri: string;
  /** Its name for a person. */
  readonly label: string;
  /** Where it is reached: its name in the URI, or the one that it gives itself behind a socket. IPv6 in brackets. */
  readonly address: string;
  readonly connection: Connection;
  /** Whether the connection leads to ports of its loopback: not by TLS, nor by a socket that is forwarded. */
  readonly carriesTcp: boolean;
  readonly accelerator: Accelerator;
}

/** A host that cannot be reached. */
export interface DownHost {
  readonly label: string;
  readonly error: FirstlightError;
}

/** The hosts of a target as they are now. */
export interface Fleet {
  readonly target: LibvirtTarget;
  readonly hosts: readonly TargetHost[];
  readonly down: readonly DownHost[];
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
}

export interface FleetContext {
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  /** The accelerator of a VMM, whose findings are kept under a name. */
  readonly makeAccelerator: (vmm: Vmm, name: string) => Accelerator;
}

const quiet = () => undefined;
const machineListener = {
  onState: quiet,
  onLost: quiet,
  onReopened: quiet,
  onStarted: quiet,
  onPaused: quiet,
  onResumed: quiet,
  onEnded: quiet,
};

/**
 * The result of `work` with the hosts of a target that can be reached; the connections close afterwards.
 *
 * Errors: those of connecting where no host can be reached; as `work`.
 */
export async function withFleet<Result>(
  target: LibvirtTarget,
  context: FleetContext,
  work: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  return await withHosts(target, context, async (fleet) => {
    const [first] = fleet.down;
    if (fleet.hosts.length > 0 || first === undefined) return await work(fleet);
    throw fleet.down.length === 1 ? first.error : noneReached(target, fleet.down);
  });
}

/** As `withFleet`, also where no host can be reached. */
export async function withHosts<Result>(
  target: LibvirtTarget,
  { runtimes, makeAccelerator }: FleetContext,
  work: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  const opened = target.uris.map((uri, index) => {
    const link = createLibvirtLink(uri, { onState: quiet, onLifecycle: quiet, onLost: quiet, onReopened: quiet });
    const vmm = createLibvirtVmm({
      uri,
      uid: process.getuid?.() ?? -1,
      listener: machineListener,
      openLink: () => link,
    });
    return { uri, link, vmm, name: `${target.name}-${index}`, label: labelOf(uri, target.uris) };
  });
  try {
    const hosts: TargetHost[] = [];
    const down: DownHost[] = [];
    const found = await Promise.allSettled(
      opened.map(async ({ uri, link, vmm }) => {
        await vmm.connect();
        return await describeHost(uri, vmm, await link.connection());
      }),
    );
    for (const [index, { uri, vmm, name, label }] of opened.entries()) {
      const result = found[index];
      if (result?.status === 'fulfilled') {
        hosts.push({ uri, label, ...result.value, accelerator: makeAccelerator(vmm, name) });
      } else down.push({ label, error: toFirstlightError(result?.reason) });
    }
    return await work({ target, hosts, down, runtimes });
  } finally {
    await Promise.all(opened.map(({ vmm }) => vmm.close()));
  }
}

/** How a host is reached. Errors: LIBVIRT_*. */
async function describeHost(uri: string, { isRemote: isFar }: Vmm, connection: Connection) {
  const named = URL.canParse(uri) ? new URL(uri).hostname : '';
  const isForwarded = isFar === true && !isRemote(uri);
  const own = () =>
    withLibvirtErrors(`ask ${uri} for its name`, () => connection.hostname({ timeoutMs: answerTimeoutMs }));
  const address = named || (isForwarded ? await own() : hostname());
  return { connection, address, carriesTcp: connection.canConnectTcp && !isForwarded };
}

/** What a person is told of a host that is down. */
export const describeDown = ({ label, error }: DownHost): string => `${label} cannot be reached. ${error.message}`;

/** The host in a URI; the whole URI where that names no host, or not one alone. */
function labelOf(uri: string, all: readonly string[]): string {
  const hostIn = (one: string) => (URL.canParse(one) ? new URL(one).host : '');
  const host = hostIn(uri);
  return host === '' || all.filter((one) => hostIn(one) === host).length > 1 ? uri : host;
}

function noneReached({ name, uris }: LibvirtTarget, down: readonly DownHost[]): FirstlightError {
  return new FirstlightError('LIBVIRT_UNREACHABLE', `None of the ${uris.length} hosts of ${name} can be reached.`, {
    hint: `firstlight target test ${name}`,
    details: { subject: name, output: down.map(describeDown).join('\n') },
  });
}

import { openPool } from '#core/vmm/libvirt/host-pool.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { isLoopback, type LibvirtTarget, type TargetCheck } from '#shared/model/deploy.ts';
import { type FleetContext, type TargetHost, withHosts } from './fleet.ts';
import { readInstances } from './instances.ts';

/** What a deploy would find on the hosts of a target, host by host. A host that is down is a finding, not an error. */
export async function testHosts(target: LibvirtTarget, context: FleetContext): Promise<TargetCheck[]> {
  const [runtime = ''] = context.runtimes.keys();
  return await withHosts(target, context, async ({ hosts, down }) => {
    const found = await Promise.all(hosts.map((host) => testHost(host, runtime, target)));
    const lost = down.map(
      ({ label, error }): TargetCheck => ({
        ...{ id: `reach ${label}`, title: label, status: 'failed' },
        ...{ found: error.message, fix: error.hint ?? null },
      }),
    );
    return [...found.flat(), ...lost];
  });
}

async function testHost(host: TargetHost, runtime: string, { listen }: LibvirtTarget): Promise<TargetCheck[]> {
  const { label, connection, carriesTcp, accelerator } = host;
  const check = async (id: string, look: () => Promise<Pick<TargetCheck, 'status' | 'found' | 'fix'>>) => {
    const seen = await withLibvirtErrors(`look at ${label}`, look).catch((thrown: unknown) => {
      const { message, hint } = toFirstlightError(thrown);
      return { status: 'failed' as const, found: message, fix: hint ?? null };
    });
    return { id: `${id} ${label}`, title: label, ...seen };
  };
  return [
    await check('reach', async () => {
      const { major, minor, release } = await connection.libVersion();
      const qemu = await connection.hypervisorVersion({ timeoutMs: firstQemuTimeoutMs });
      const { cpus, memoryKib } = await connection.nodeInfo();
      const words = `libvirt ${major}.${minor}.${release}, QEMU ${qemu.major}.${qemu.minor}.${qemu.release}`;
      return { status: 'ok', found: `${words}; ${cpus} processors, ${formatBytes(memoryKib * 1024)}`, fix: null };
    }),
    await check('pool', async () => {
      const pool = await openPool(connection);
      return { status: 'ok', found: `images go into the pool ${pool.name}`, fix: null };
    }),
    await check('accel', async () => {
      const { kind, reason } = await accelerator.choose(runtime);
      if (kind === 'kvm') return { status: 'ok', found: `KVM: ${reason}`, fix: null };
      return {
        status: 'warning',
        found: `Guests are emulated: ${reason}`,
        fix: 'virt-host-validate qemu (on that host)',
      };
    }),
    await check('endpoints', async () => {
      if (isLoopback(listen) && !carriesTcp) {
        return {
          status: 'warning',
          found: `Endpoints are on ${listen} of that host, which is not reached from here: functions are called through libvirt.`,
          fix: 'Name the host by qemu+ssh, or add the target with --listen.',
        };
      }
      if (isLoopback(listen))
        return { status: 'ok', found: `endpoints are on ${listen}, for programs of that host`, fix: null };
      return {
        status: 'warning',
        found: `Endpoints are on ${listen}: whoever reaches that address can call the functions, and is asked for nothing.`,
        fix: 'A firewall, or a proxy on that host in front of a target without --listen.',
      };
    }),
    await check('functions', async () => {
      const names = new Set((await readInstances(host)).map(({ record }) => record.functionName));
      return {
        status: 'ok',
        found: names.size === 0 ? 'no function of ours' : `has ${[...names].join(', ')}`,
        fix: null,
      };
    }),
  ];
}

/** A daemon that has just started runs each QEMU there is once before it reports its version. Units: ms. */
const firstQemuTimeoutMs = 20_000;

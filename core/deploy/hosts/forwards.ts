/**
 * The ports of its host that lead into an instance that runs. libvirt cannot change those of QEMU's user-mode network,
 * so QEMU is asked itself.
 */
import type { Domain } from 'node-libvirt';
import { z } from 'zod';
import { userNetworkId } from '#core/vmm/libvirt/domain-xml.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { forwardRule } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { DeployedRecord } from './record.ts';

/** An instance's domain, with the place that its guest serves at. */
export interface Forwarded {
  readonly domain: Domain;
  readonly record: Pick<DeployedRecord, 'guestIp' | 'guestPort' | 'listen'>;
}

export interface Forwards {
  /** The ports that lead to the guest. */
  readonly ports: readonly number[];
  /** The connections of clients that are open. */
  readonly connections: number;
}

/** A line of `info usernet`: protocol and state, descriptor, source and destination. */
const line = /^\s*TCP\[(\w+)\]\s+-?\d+\s+\S+\s+(\d+)\s+(\S+)\s+(\d+)\s/;

/** What QEMU's list of connections says of one place in the guest. */
export function parseForwards(text: string, { guestIp, guestPort }: Forwarded['record']): Forwards {
  const ports: number[] = [];
  let connections = 0;
  for (const [, state, port, ip, to] of text.split('\n').map((one) => line.exec(one) ?? [])) {
    if (ip !== guestIp || Number(to) !== guestPort) continue;
    if (state === 'HOST_FORWARD') ports.push(Number(port));
    else if (state !== 'TIME_WAIT' && state !== 'CLOSED') connections += 1;
  }
  return { ports, connections };
}

/** Errors: LIBVIRT_*. */
export async function readForwards({ domain, record }: Forwarded): Promise<Forwards> {
  return parseForwards(await ask(domain, 'info usernet'), record);
}

/** Has a port of the host lead to the guest. Errors: PORT_IN_USE; LIBVIRT_*. */
export async function addForward({ domain, record }: Forwarded, port: number): Promise<void> {
  const { guestIp, guestPort, listen } = record;
  const rule = forwardRule(guestIp, { protocol: 'tcp', hostAddress: listen, hostPort: port, guestPort });
  const said = await ask(domain, `hostfwd_add ${userNetworkId} ${rule.replace(/^hostfwd=/, '')}`);
  // It says nothing where it has done so.
  if (said.trim() === '') return;
  throw new FirstlightError('PORT_IN_USE', `${domain.name} cannot listen on ${listen}:${port}: ${said.trim()}`, {
    details: { subject: domain.name },
  });
}

/** Takes a port off the guest: what is connected stays so. One that it does not have is no error. Errors: LIBVIRT_*. */
export async function removeForward({ domain, record }: Forwarded, port: number): Promise<void> {
  await ask(domain, `hostfwd_remove ${userNetworkId} tcp:${record.listen}:${port}`);
}

const answerSchema = z.object({ return: z.string() });

async function ask(domain: Domain, command: string): Promise<string> {
  const doing = `ask QEMU of ${domain.name} for "${command}"`;
  const request = { execute: 'human-monitor-command', arguments: { 'command-line': command } };
  const text = await withLibvirtErrors(doing, () => domain.qemuMonitorCommand(JSON.stringify(request)));
  const answer = answerSchema.safeParse(JSON.parse(text));
  if (answer.success) return answer.data.return;
  throw new FirstlightError('LIBVIRT_FAILED', `Could not ${doing}: ${text.slice(0, 200)}`);
}

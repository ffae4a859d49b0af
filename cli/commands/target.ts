import { resolve } from 'node:path';
import { dnsLabelSchema, isLoopback, libvirtTargetSchema, loopbackAddress, type Target } from '#shared/model/deploy.ts';
import type { WorkloadKind } from '#shared/model/deploy-section.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

export interface TargetOptions {
  readonly registry?: string;
  readonly libvirt?: readonly string[];
  readonly listen?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly registryCa?: string;
  readonly plainHttp?: boolean;
  readonly pullSecret?: string;
  readonly engine?: string;
  readonly workload?: WorkloadKind;
}

/** Adds a cluster, or hosts, to deploy to. */
export async function addTarget(session: Session, name: string, options: TargetOptions): Promise<number> {
  const added = await session.call('targets:add', makeTarget(session, checkName(name, 'target'), options));
  session.printJson(added);
  if (added.kind === 'libvirt' && !isLoopback(added.listen)) {
    session.note(
      `Functions that serve HTTP will listen at ${added.listen} of these hosts: whoever reaches that address can call them, and is asked for nothing.\n`,
    );
  }
  session.print(`Target ${added.name}. See whether it can be deployed to: firstlight target test ${added.name}\n`);
  return 0;
}

function makeTarget({ io }: Session, name: string, { libvirt, listen, registry, ...options }: TargetOptions): Target {
  if (libvirt !== undefined) {
    const [other] = Object.keys({ ...options, ...(registry !== undefined && { registry }) }).filter(
      (key) => key !== 'json',
    );
    if (other === undefined) {
      return {
        name,
        kind: 'libvirt',
        uris: [...libvirt],
        listen: listen === undefined ? loopbackAddress : checkListen(listen),
      };
    }
    throw badInput(
      `--${kebab(other)} is for a cluster: libvirt hosts have none.`,
      'Leave it out, or leave out --libvirt.',
    );
  }
  if (listen !== undefined) {
    throw badInput(
      '--listen is for libvirt hosts: on a cluster a function has a Service, and "deploy.route" in firstlight.json.',
      'Leave it out, or name hosts by --libvirt.',
    );
  }
  if (registry === undefined) {
    throw badInput(
      'Say where it is deployed to: a cluster by --registry HOST/PATH, or hosts by --libvirt URI.',
      `firstlight target add ${name} --libvirt qemu+ssh://root@lab/system`,
    );
  }
  const path = (given: string | undefined) => (given === undefined ? null : resolve(io.cwd, given));
  return {
    name,
    kind: 'kubernetes',
    kubeconfig: path(options.kubeconfig),
    context: options.context ?? null,
    namespace: options.namespace === undefined ? null : checkName(options.namespace, 'namespace'),
    registry: registry.replace(/^(docker|https?):\/\//, '').replace(/\/+$/, ''),
    registryCa: path(options.registryCa),
    plainHttp: options.plainHttp ?? false,
    engine: options.engine ?? 'pod',
    workload: options.workload ?? 'deployment',
    pullSecret: options.pullSecret === undefined ? null : checkName(options.pullSecret, 'Secret'),
  };
}

/** Errors: BAD_INPUT for what is no address of a host. */
function checkListen(address: string): string {
  const parsed = libvirtTargetSchema.shape.listen.safeParse(address);
  if (parsed.success) return parsed.data;
  throw badInput(`"${address}" is not an IPv4 address of a host.`, 'Such is 10.0.0.5, or 0.0.0.0 for all that it has.');
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Lists the targets. */
export async function listTargets(session: Session): Promise<number> {
  const targets = await session.call('targets:list', {});
  session.printJson(targets);
  if (targets.length === 0) {
    session.print(
      'No targets yet. Make one with: firstlight target add <name> --registry <host/path>, or --libvirt <uri>\n',
    );
    return 0;
  }
  session.print(renderTable(['TARGET', 'KIND', 'WHERE', 'REGISTRY'], targets.map(rowOf), session.style));
  return 0;
}

function rowOf(target: Target): string[] {
  if (target.kind === 'libvirt') return [target.name, target.kind, target.uris.join(' '), ''];
  const { name, kind, context, namespace, registry } = target;
  return [name, kind, `${context ?? '(current context)'} ${namespace ?? '(its namespace)'}`, registry];
}

/** Shows one target. */
export async function showTarget(session: Session, name: string): Promise<number> {
  const targets = await session.call('targets:list', {});
  const found = targets.find((target) => target.name === name);
  if (found === undefined) throw badInput(`There is no target "${name}".`, describe(targets));
  session.printJson(found);
  const rows = Object.entries(found).map(([key, value]) => [key, value === null ? '' : [value].flat().join(' ')]);
  session.print(renderTable(['SETTING', 'VALUE'], rows, session.style));
  return 0;
}

const describe = (targets: readonly Target[]): string =>
  targets.length === 0
    ? 'Make one with: firstlight target add <name> --registry <host/path>'
    : `There are: ${targets.map(({ name }) => name).join(', ')}`;

/** Removes a target from the list. */
export async function removeTarget(session: Session, name: string): Promise<number> {
  await session.call('targets:remove', { target: checkName(name, 'target') });
  session.printJson({ removed: name });
  session.print(`Removed target ${name}; what runs there stays.\n`);
  return 0;
}

/** Prints the checks of a target for a deploy, and how to provide missing parts. */
export async function testTarget(session: Session, name: string): Promise<number> {
  const checks = await session.call('targets:test', { target: checkName(name, 'target') });
  session.printJson(checks);
  const { style } = session;
  for (const { title, status, found, fix } of checks) {
    const mark = { ok: style.green('ok'), warning: style.yellow('warning'), failed: style.red('failed') }[status];
    session.print(`${title.padEnd(14)} ${mark}  ${style.foreign(found)}\n`);
    if (fix !== null && status !== 'ok') session.print(`${' '.repeat(14)} → ${style.foreign(fix)}\n`);
  }
  return checks.some(({ status }) => status === 'failed') ? 3 : 0;
}

/** Errors: BAD_INPUT for a name that Kubernetes does not accept. */
export function checkName(name: string, what: string): string {
  const parsed = dnsLabelSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw badInput(
    `"${name}" is not a name of a ${what}.`,
    'A name has up to 63 lower-case letters, digits and dashes, and begins and ends with a letter or digit.',
  );
}

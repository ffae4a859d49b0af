import { hostNameSchema } from '#shared/model/host.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Lists the hosts, with their states and why one is lost. */
export async function listHosts(session: Session): Promise<number> {
  const hosts = await session.call('hosts:list', {});
  session.printJson(hosts);
  const rows = hosts.map(({ name, state, uri, failure }) => [name, state, uri, failure ?? '']);
  session.print(renderTable(['HOST', 'STATE', 'ADDRESS', ''], rows, session.style));
  return 0;
}

/** Adds a libvirt as a host, after it has answered. */
export async function addHost(session: Session, name: string, uri: string): Promise<number> {
  const host = await session.call('hosts:add', { name: checkName(name), uri });
  session.printJson(host);
  session.print(`Host ${host.name} at ${host.uri}\n`);
  return 0;
}

/** Removes a host from the list. */
export async function removeHost(session: Session, name: string): Promise<number> {
  await session.call('hosts:remove', { name: checkName(name) });
  session.printJson({ removed: name });
  session.print(`Removed host ${name}; instances that were kept go on running there\n`);
  return 0;
}

/** A validated host name. Errors: BAD_INPUT. */
export function checkName(name: string): string {
  const parsed = hostNameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw badInput(
    `"${name}" is not a name for a host.`,
    'A name has up to 31 lower-case letters, digits and dashes, and begins with a letter or digit.',
  );
}

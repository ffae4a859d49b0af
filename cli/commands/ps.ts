import { formatDuration } from '#shared/format.ts';
import { exitCodeFor, listHosts } from '../find.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Lists instances as their hosts report them now; with the host when there is more than one. Shape: exit code 3 when a host is lost. */
export async function listInstances(session: Session): Promise<number> {
  const instances = await session.call('instances:list', {});
  const hosts = await listHosts(session);
  session.printJson(instances);
  const exitCode = exitCodeFor(hosts);
  if (instances.length === 0) {
    const words = exitCode === 0 ? 'No instances' : 'No instances on the hosts that answer';
    session.print(`${words}. Start one with: firstlight run <dir> --keep\n`);
    return exitCode;
  }
  const isOneHost = hosts.length === 1;
  const rows = instances.map((instance) => [
    instance.id,
    ...(isOneHost ? [] : [instance.host]),
    instance.functionName,
    instance.failure === null ? instance.state : `${instance.state}: ${instance.failure}`,
    instance.startMode,
    instance.accel,
    `${instance.memoryMiB} MiB`,
    String(instance.vcpus),
    formatDuration(Math.max(0, Date.now() - Date.parse(instance.createdAt)) * 1e6),
    instance.keep ? 'kept' : '',
    instance.url ?? '',
  ]);
  const host = isOneHost ? [] : ['HOST'];
  const headings = ['INSTANCE', ...host, 'FUNCTION', 'STATE', 'START', 'ACCEL', '>MEMORY', '>VCPUS', '>AGE', '', 'URL'];
  session.print(renderTable(headings, rows, session.style));
  return exitCode;
}

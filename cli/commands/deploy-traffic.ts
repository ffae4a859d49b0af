import type { Deployment, TrafficChange } from '#shared/model/deploy.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';
import { nameOf } from './deploy.ts';

/** Splits the traffic of a function between revisions; without shares prints the present ones. */
export async function splitTraffic(
  session: Session,
  name: string,
  shares: readonly string[],
  { target }: { readonly target?: string },
): Promise<number> {
  const changes = shares.map(parseShare);
  const of = await nameOf(session, name, target);
  const after =
    changes.length === 0
      ? await session.call('deploy:get', of)
      : await session.call('deploy:traffic', { ...of, shares: changes });
  session.printJson(after);
  session.print(renderTraffic(session, after));
  return 0;
}

function parseShare(text: string): TrafficChange {
  const [, revision = '', percent = ''] = /^(latest|[1-9]\d{0,5})=(\d{1,3})%?$/.exec(text) ?? [];
  if (revision === '' || Number(percent) > 100) {
    throw badInput(`"${text}" is not a share of the traffic.`, 'Write REVISION=PERCENT, as in: 3=80 latest=20');
  }
  return { revision: revision === 'latest' ? 'latest' : Number(revision), percent: Number(percent) };
}

function renderTraffic({ style }: Session, { name, workload, traffic = [], revision }: Deployment): string {
  if (workload !== 'knative') return `All requests go to the pods of revision ${revision} of ${name}.\n`;
  const rows = traffic.map((share) => [`${share.revision}${share.isLatest ? ' (latest)' : ''}`, `${share.percent} %`]);
  return renderTable(['REVISION', '>TRAFFIC'], rows, style);
}

import { type Deployment, type DeployRevision, maxTrafficShares, type TrafficChange } from '#shared/model/deploy.ts';

/** Whose share it is: a revision's by its number, or that of the newest at any time. */
export type ShareOf = TrafficChange['revision'];

/** Shares as a person types them. Units: %. */
export type TypedShares = ReadonlyMap<ShareOf, string>;

/** The shares that the cluster reports. A revision that it no longer numbers is left out. Units: %. */
export function presentShares({ traffic = [] }: Pick<Deployment, 'traffic'>): ReadonlyMap<ShareOf, number> {
  const shares = new Map<ShareOf, number>();
  for (const { revision, percent, isLatest } of traffic) {
    const key = isLatest ? 'latest' : revision;
    if (key !== 0) shares.set(key, (shares.get(key) ?? 0) + percent);
  }
  return shares;
}

/** The rows of a split: the newest, then each revision that the cluster keeps or sends requests to, newest first. */
export function listShareRows(
  present: ReadonlyMap<ShareOf, number>,
  revisions: readonly Pick<DeployRevision, 'revision'>[],
): readonly ShareOf[] {
  const numbers = new Set(revisions.map(({ revision }) => revision));
  for (const key of present.keys()) if (key !== 'latest') numbers.add(key);
  return ['latest', ...[...numbers].sort((a, b) => b - a)];
}

/** The first text of each row: the present share, and nothing for none. */
export const typedFrom = (present: ReadonlyMap<ShareOf, number>, rows: readonly ShareOf[]): TypedShares =>
  new Map(rows.map((row) => [row, present.get(row) ? String(present.get(row)) : '']));

export const isShare = (text: string): boolean => /^\d{0,3}$/.test(text.trim()) && Number(text) <= 100;

/** Shape: `changes` is what to send, and null while there is a `problem`. */
export interface CheckedShares {
  readonly changes: readonly TrafficChange[] | null;
  readonly problem: string | null;
}

/** Whether typed shares are a split. Rows without a share are not sent. */
export function checkShares(typed: TypedShares): CheckedShares {
  const refuse = (problem: string): CheckedShares => ({ changes: null, problem });
  const wrong = [...typed.values()].find((text) => !isShare(text));
  if (wrong !== undefined) return refuse(`“${wrong.trim()}” is not a whole number from 0 to 100.`);
  const changes = [...typed]
    .map(([revision, text]) => ({ revision, percent: Number(text) }))
    .filter(({ percent }) => percent > 0);
  const sum = changes.reduce((total, { percent }) => total + percent, 0);
  if (sum < 100) return refuse(`The shares make ${sum} %: ${100 - sum} % are left.`);
  if (sum > 100) return refuse(`The shares make ${sum} %: ${sum - 100} % too many.`);
  if (changes.length > maxTrafficShares) return refuse(`At most ${maxTrafficShares} revisions can have a share.`);
  return { changes, problem: null };
}

/** A split in words, such as `80 % to revision 1, 20 % to the newest (now revision 3)`. */
export const describeShares = (changes: readonly TrafficChange[], newest: number): string =>
  changes
    .map(({ revision, percent }) =>
      revision === 'latest'
        ? `${percent} % to the newest (now revision ${newest})`
        : `${percent} % to revision ${revision}`,
    )
    .join(', ');

import type { Deployment } from '#shared/model/deploy.ts';

/** The next list, with the former object of each function that has not changed: its row is not drawn again. */
export function keepUnchanged(former: readonly Deployment[], next: readonly Deployment[]): readonly Deployment[] {
  const known = new Map(former.map((deployment) => [deployment.name, deployment]));
  return next.map((deployment) => {
    const kept = known.get(deployment.name);
    return kept !== undefined && JSON.stringify(kept) === JSON.stringify(deployment) ? kept : deployment;
  });
}

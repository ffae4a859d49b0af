import { type Finding, ok, type RuntimeCheck } from '#core/runtime/check.ts';
import type { Releases } from './releases/releases.ts';

/** The doctor's check for a release of Nanos. A missing release is not a fault: only functions on Nanos need one. */
export function releaseCheck(releases: Pick<Releases, 'list'>): RuntimeCheck {
  return { id: 'nanos', title: 'Nanos', look: () => lookAtReleases(releases) };
}

async function lookAtReleases(releases: Pick<Releases, 'list'>): Promise<Finding> {
  const installed = await releases.list();
  const used = installed.find((release) => release.inUse);
  if (used !== undefined) return ok(`release ${used.version} is in use`, { nanos: used.version });
  return installed.length === 0
    ? ok('not installed; functions on Nanos need it: firstlight nanos install')
    : ok(`no release is in use; choose one: firstlight nanos use ${installed[0]?.version}`);
}

/** The verdict on a rollout of a Knative Service, from the cluster's objects. Pure. */
import { troubleOfPod, type Verdict } from '../judge-rollout.ts';
import type { Condition, EventObject, PodObject } from '../kube/objects.ts';
import { conditionOf, type KnativeRevision, type KnativeService, knativeLabels } from './objects.ts';

export interface KnativePicture {
  readonly service: KnativeService | null;
  readonly revisions: readonly KnativeRevision[];
  readonly pods: readonly PodObject[];
  readonly events: readonly EventObject[];
}

/** The revision that the service has made last. */
export const newestRevision = ({ service, revisions }: KnativePicture): KnativeRevision | undefined =>
  revisions.find(({ metadata }) => metadata.name === service?.status?.latestCreatedRevisionName);

/** The pods of one revision. */
export const podsOfRevision = (revision: KnativeRevision | undefined, pods: readonly PodObject[]) =>
  pods.filter(({ metadata }) => metadata.labels?.[knativeLabels.revision] === revision?.metadata.name);

/**
 * Judges the rollout of the applied `generation`. The service falls back to the revision that was ready last by itself:
 * only the newest one counts, and it counts as done once the service is ready with it.
 */
export function judgeKnative(picture: KnativePicture, generation: number): Verdict {
  const { service, pods, events } = picture;
  if (service === null) return { state: 'failed', message: 'The Knative Service is gone.', trouble: [] };
  const { observedGeneration = 0, latestCreatedRevisionName, latestReadyRevisionName } = service.status ?? {};
  const configured = conditionOf(service, 'ConfigurationsReady');
  const revision = newestRevision(picture);
  if (observedGeneration < generation || revision === undefined) {
    const refused = configured?.status === 'False' && observedGeneration >= generation;
    const trouble = refused ? [wordsOf(configured)] : [];
    return { state: 'progressing', message: 'The cluster has not looked at it yet', trouble };
  }
  const trouble = podsOfRevision(revision, pods).flatMap((pod) => troubleOfPod(pod, events));
  const ready = conditionOf(revision, 'Ready');
  if (ready?.status === 'False') {
    return { state: 'progressing', message: 'Its revision is not ready', trouble: [wordsOf(ready), ...trouble] };
  }
  const name = revision.metadata.name;
  if (ready?.status !== 'True' || latestReadyRevisionName !== latestCreatedRevisionName) {
    return { state: 'progressing', message: `${name} is not ready yet`, trouble };
  }
  const whole = conditionOf(service, 'Ready');
  if (whole?.status === 'True') {
    const isServed = service.status?.traffic?.some(
      ({ revisionName, percent = 0 }) => revisionName === name && percent > 0,
    );
    const where = isServed === true ? '' : '; its traffic goes to other revisions, as it was split';
    return { state: 'done', message: `${name} is ready${where}`, trouble: [] };
  }
  const routes = conditionOf(service, 'RoutesReady');
  const refused = routes?.status === 'False' ? [wordsOf(routes)] : [];
  return { state: 'progressing', message: `${name} is ready, and its route not yet`, trouble: refused };
}

const wordsOf = ({ reason, message }: Condition): string => message ?? reason ?? 'It is not ready.';

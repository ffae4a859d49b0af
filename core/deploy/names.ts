/** The names by which the objects of functions are ours, and are found. */
export const fieldManager = 'firstlight';
export const managedBy = { 'app.kubernetes.io/managed-by': 'firstlight' } as const;
export const annotationNames = {
  runtime: 'firstlight.dev/runtime',
  imageId: 'firstlight.dev/image-id',
  deployedAt: 'firstlight.dev/deployed-at',
  memory: 'firstlight.dev/memory',
  secrets: 'firstlight.dev/secrets',
  endpoint: 'firstlight.dev/endpoint',
  unfinished: 'firstlight.dev/unfinished',
  workload: 'firstlight.dev/workload',
} as const;

/** Selects all that is ours in a namespace. */
export const managedSelector = Object.entries(managedBy)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

/** Selects Deployments of ours: not those that Knative makes from our Knative Services. */
export const deploymentSelector = `${managedSelector},!serving.knative.dev/service`;

export const nameLabel = 'app.kubernetes.io/name';

/** The labels by which a function's pods are found. */
export const labelsOf = (name: string) => ({ [nameLabel]: name, ...managedBy });
export const selectorOf = (name: string): string =>
  Object.entries(labelsOf(name))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

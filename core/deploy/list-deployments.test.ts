import { expect, it } from 'vitest';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { describe } from './list-deployments.ts';

const target = { name: 'test' } as KubernetesTarget;
function stateOf(status: NonNullable<DeploymentObject['status']>, spec: Partial<DeploymentObject['spec']> = {}) {
  const template = { spec: { containers: [{ name: 'function', image: 'i@sha256:1' }] } };
  const deployment = { metadata: { name: 'greet', generation: 2 }, spec: { replicas: 1, template, ...spec }, status };
  return describe({ target, namespace: 'team' }, deployment, [], []).state;
}
const whole = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

it('is ready only when its present pods are, and not by the grace of earlier ones', () => {
  expect(stateOf(whole)).toBe('ready');
  // The old pod serves on while the new one does not become ready.
  expect(stateOf({ ...whole, replicas: 2 })).toBe('progressing');
  expect(stateOf({ ...whole, observedGeneration: 1 })).toBe('progressing');
});

it('is stopped without pods, and paused where it is', () => {
  expect(stateOf({ observedGeneration: 2 }, { replicas: 0 })).toBe('stopped');
  expect(stateOf(whole, { paused: true })).toBe('paused');
});

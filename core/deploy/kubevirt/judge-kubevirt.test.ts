import { describe, expect, it } from 'vitest';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import { describeSets } from './describe-set.ts';
import { judgeKubevirt } from './judge-kubevirt.ts';
import { refuseUnfitForVm } from './kubevirt-workload.ts';
import type { VmInstance, VmReplicaSet } from './objects.ts';

const setOf = (revision: number, status?: VmReplicaSet['status'], replicas = 2): VmReplicaSet => ({
  metadata: {
    name: `greet-r${revision}`,
    labels: { 'app.kubernetes.io/name': 'greet', 'firstlight.dev/revision': String(revision) },
    annotations: { 'firstlight.dev/runtime': 'ember' },
  },
  spec: {
    replicas,
    template: { spec: { domain: { firmware: { kernelBoot: { container: { image: `i@sha256:${revision}` } } } } } },
  },
  ...(status !== undefined && { status }),
});
const judge = (set: VmReplicaSet | null, machines: readonly VmInstance[] = []) =>
  judgeKubevirt({ set, machines, pods: [], events: [] });

describe('a rollout on KubeVirt', () => {
  it('is done when as many machines are ready as are wanted, and no more are there', () => {
    expect(judge(setOf(1)).state).toBe('progressing');
    expect(judge(setOf(1, { replicas: 2, readyReplicas: 1 }))).toMatchObject({ message: '1 of 2 machines are ready' });
    expect(judge(setOf(1, { replicas: 3, readyReplicas: 3 })).state).toBe('progressing');
    expect(judge(setOf(1, { replicas: 2, readyReplicas: 2 })).state).toBe('done');
    expect(judge(null)).toMatchObject({ state: 'failed' });
  });

  it('has its trouble told in the words of KubeVirt, and none where a machine merely starts', () => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }];
    expect(judge(setOf(1, { conditions })).trouble).toEqual(['exceeded quota']);
    const machine = (phase: string, type: string, message: string): VmInstance => ({
      metadata: { name: 'greet-r1abc' },
      status: { phase, conditions: [{ type, status: 'False', message }] },
    });
    expect(judge(setOf(1, {}), [machine('Scheduled', 'Ready', 'not yet')]).trouble).toEqual([]);
    expect(judge(setOf(1, {}), [machine('Scheduled', 'Synchronized', 'no /dev/kvm')]).trouble).toEqual([
      'greet-r1abc: no /dev/kvm',
    ]);
    expect(judge(setOf(1, {}), [machine('Failed', 'Ready', '')]).trouble[0]).toMatch(/failed/);
  });

  it('is listed as its newest revision', () => {
    const cluster = { target: { name: 'vms' } as KubernetesTarget, namespace: 'team' };
    const status = { replicas: 2, readyReplicas: 2 };
    const [listed, ...others] = describeSets(cluster, [setOf(9, {}, 0), setOf(10, status), setOf(2, {}, 0)]);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({
      ...{ name: 'greet', workload: 'kubevirt', state: 'ready', revision: 10, image: 'i@sha256:10', runtime: 'ember' },
      ...{ endpoint: 'http://greet.team', replicas: { wanted: 2, ready: 2 } },
    });
    expect(describeSets(cluster, [setOf(1, {}, 0)])).toMatchObject([{ state: 'stopped' }]);
  });

  it('has no bounds for an autoscaler, and is no Knative Service', () => {
    const refused = expect.objectContaining({ code: 'BAD_INPUT' });
    expect(() => refuseUnfitForVm('knative', {})).toThrow(refused);
    expect(() => refuseUnfitForVm('deployment', { autoscale: { max: 2, cpuPercent: 80 } })).toThrow(refused);
    expect(() => refuseUnfitForVm('deployment', { replicas: 0 })).not.toThrow();
  });
});

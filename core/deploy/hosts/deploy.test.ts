import { describe, expect, it } from 'vitest';
import { thisComputer } from '../this-computer.ts';
import { checkNotElsewhere } from './deploy.ts';
import type { Instance } from './instances.ts';
import type { DeployedRecord } from './record.ts';

const now = () => new Date().toISOString();
const instance = (record: Partial<DeployedRecord>, isInService: boolean) =>
  ({
    record: { revision: 1, replicas: 1, deployedAt: now(), deployedBy: 'eve@other', ...record },
    isInService,
  }) as Instance;
const check =
  (instances: readonly Instance[], force = false) =>
  () =>
    checkNotElsewhere(instances, 'greet', force);

describe('a deploy of another computer', () => {
  const half = [instance({ replicas: 2 }, true), instance({ replicas: 2 }, false)];

  it('is waited for while its instances are not all in service', () => {
    expect(check(half)).toThrow(/is being deployed by eve@other/);
    expect(check([instance({}, false)])).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  });

  it('is over when they are, when it is old, and when a person says so', () => {
    expect(check([])).not.toThrow();
    expect(check([instance({}, true)])).not.toThrow();
    expect(check(half, true)).not.toThrow();
    const old = new Date(Date.now() - 3_600_000).toISOString();
    expect(check([instance({ deployedAt: old }, false)])).not.toThrow();
  });

  it('is this one when this computer made it: that was interrupted', () => {
    expect(check([instance({ deployedBy: thisComputer() }, false)])).not.toThrow();
  });
});

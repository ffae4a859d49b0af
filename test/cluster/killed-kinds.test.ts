/** Killed deploys of functions that are no Deployments: on real Knative Serving, and by KubeVirt's kinds without KubeVirt. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findLwip } from '../../build/lwip.mjs';
import { makeHome, until, whyNot } from '../integration/studio.ts';
import { makeKillable } from './killed.ts';
import { whyNoKnative } from './knative/build.mjs';
import { installKubevirtKinds } from './kubevirt/crds.mjs';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const noCluster = whyNot() ?? whyNoTestCluster() ?? whyNotOwn();
const halfDone = (what: string) => ({
  state: 'progressing',
  message: expect.stringMatching(new RegExp(`^the ${what} of 2\\S+ has not`)),
});
const whole = { state: 'ready', message: '' };

const noKnative = noCluster ?? whyNoKnative();
describe.skipIf(noKnative !== null)(
  `a Knative Service whose deploy is killed${noKnative === null ? '' : ` (skipped: ${noKnative})`}`,
  () => {
    const killable = makeKillable('knative', noKnative === null ? makeHome() : '');
    const { run, list, status, edit, settings, killAt, finish, kubectl } = killable;
    const patch = /^PATCH \/apis\/serving\.knative\.dev\/.*\/services\/greet\?/;

    beforeAll(async () => {
      await killable.start({ knative: true }, '--workload', 'knative');
      settings({ deploy: { secrets: { WORD: { env: 'WORD' } } } });
      edit('one');
      await run('trust', killable.dir);
    });
    afterAll(killable.stop);

    it('has left its Secret, which is told of', async () => {
      await killAt(patch);
      const secretOnly = {
        workload: 'knative',
        state: 'progressing',
        message: expect.stringMatching(/only the Secret/),
      };
      expect(await list()).toMatchObject([secretOnly]);
      expect(await status()).toMatchObject(secretOnly);
      expect(await finish()).toMatchObject({ revision: 1 });
      expect(await list()).toMatchObject([whole]);
    });

    it('is marked from before its Secret changes until the deploy has ended', async () => {
      edit('two');
      killable.env.WORD = 'second';
      await killAt(patch);
      // The mark itself is such a request: the value is still the first one.
      expect(await list()).toMatchObject([whole]);
      await killAt(/^PATCH .*\/secrets\/greet-secrets\?/);
      expect(await list()).toMatchObject([halfDone('deploy')]);
      expect(await finish()).toMatchObject({ revision: 2 });
      expect(await list()).toMatchObject([whole]);
    });

    it('and one that goes back is, until its traffic has gone over', async () => {
      await run('deploy', 'traffic', 'greet', '2=100', '--target', 'knative');
      await killAt(/^PATCH .*fieldManager=firstlight-traffic/, 'deploy', 'rollback', 'greet');
      await until('its revision is there', async () => (await status())?.revision === 3, 60_000);
      expect(await status()).toMatchObject(halfDone('rollback'));
      await run('deploy', 'rollback', 'greet', '--target', 'knative');
      await until('it is ready', async () => (await status())?.state === 'ready', 60_000);
      expect(await status()).toMatchObject({ ...whole, revision: 3, traffic: [{ revision: 3, percent: 100 }] });
    });

    it('and an undeploy leaves the mark until all is gone', async () => {
      await killAt(/^DELETE .*\/secrets\/greet-secrets/, 'deploy', 'undeploy', 'greet');
      expect(await list()).toMatchObject([halfDone('undeploy')]);
      await killAt(/^DELETE .*serving\.knative\.dev\/.*\/services\/greet/, 'deploy', 'undeploy', 'greet');
      expect(await list()).toMatchObject([halfDone('undeploy')]);
      await run('deploy', 'undeploy', 'greet', '--target', 'knative');
      expect(await list()).toEqual([]);
      expect((await kubectl('get', 'secrets', '-o', 'name')).trim()).toBe('secret/pull');
    });
  },
);

const noKubevirt = noCluster ?? (findLwip() === null ? 'the source of lwIP is not there: node build/lwip.mjs' : null);
describe.skipIf(noKubevirt !== null)(
  `machines of KubeVirt whose deploy is killed${noKubevirt === null ? '' : ` (skipped: ${noKubevirt})`}`,
  () => {
    const killable = makeKillable('vms', noKubevirt === null ? makeHome() : '');
    const { run, list, edit, settings, killAt, finish, kubectl } = killable;
    const sets = 'virtualmachineinstancereplicasets';
    const status = { readyReplicas: 1, replicas: 1 };
    /** What KubeVirt's controller would write, once the set is there. */
    const reportReady = (revision: number) =>
      vi.waitFor(
        () =>
          kubectl(
            'patch',
            sets,
            `greet-r${revision}`,
            '--subresource=status',
            '--type=merge',
            '-p',
            JSON.stringify({ status }),
          ),
        { timeout: 60_000, interval: 200 },
      );
    const service = /^PATCH .*\/services\/greet\?/;
    const leadsTo = async () =>
      (await kubectl('get', 'service/greet', '-o', "jsonpath={.spec.selector['firstlight\\.dev/revision']}")).trim();

    beforeAll(async () => {
      await killable.start({}, '--engine', 'kubevirt');
      await installKubevirtKinds(kubectl, killable.home);
      settings({ ports: [{ guest: 8080 }] });
      edit('one');
    });
    afterAll(killable.stop);

    it('are marked until the Service leads to them', async () => {
      await Promise.all([killAt(service), reportReady(1)]);
      expect(await list()).toMatchObject([{ name: 'greet', revision: 1, ...halfDone('deploy') }]);
      expect(await finish('--no-wait')).toMatchObject({ revision: 1 });
      expect(await list()).toMatchObject([{ revision: 1, ...whole }]);
      expect(await leadsTo()).toBe('1');
    });

    it('and those of a new revision, and of one that goes back', async () => {
      edit('two');
      await Promise.all([killAt(service), reportReady(2)]);
      expect(await list()).toMatchObject([{ revision: 2, ...halfDone('deploy') }]);
      expect(await leadsTo()).toBe('1');
      await finish('--no-wait');
      expect(await list()).toMatchObject([{ revision: 2, ...whole }]);
      await Promise.all([killAt(service, 'deploy', 'rollback', 'greet'), reportReady(3)]);
      expect(await list()).toMatchObject([{ revision: 3, ...halfDone('rollback') }]);
      expect(await leadsTo()).toBe('2');
      await run('deploy', 'rollback', 'greet', '--target', 'vms');
      expect(await list()).toMatchObject([{ revision: 3, ...whole }]);
      expect(await leadsTo()).toBe('3');
    });

    it('and an undeploy takes the set with the mark last', async () => {
      await killAt(/^DELETE .*\/services\/greet/, 'deploy', 'undeploy', 'greet');
      expect(await list()).toMatchObject([halfDone('undeploy')]);
      await killAt(new RegExp(`^DELETE .*/${sets}/greet-r3`), 'deploy', 'undeploy', 'greet');
      expect(await list()).toMatchObject([{ revision: 3, ...halfDone('undeploy') }]);
      await run('deploy', 'undeploy', 'greet', '--target', 'vms');
      expect(await list()).toEqual([]);
      expect(
        JSON.parse(await kubectl('get', `${sets},services`, '-l', 'app.kubernetes.io/name=greet', '-o', 'json')).items,
      ).toEqual([]);
    });
  },
);

import { expect, it } from 'vitest';
import type { LibvirtTarget } from '#shared/model/deploy.ts';
import { describe, type Instance } from './instances.ts';

const target = { name: 'lab' } as LibvirtTarget;

/** An instance as `revision, index, replicas, state`; in service, where it has a star. */
function instance(text: string): Instance {
  const [, revision, index, replicas, state = '', star] = /^r(\d+)-(\d+) of (\d+) (\w+)(\*?)$/.exec(text) ?? [];
  const record = { functionName: 'web', revision: Number(revision), index: Number(index), replicas: Number(replicas) };
  const domain = { name: `fn-web-r${revision}-${index}` };
  const host = { label: 'lab1', uri: 'qemu:///system' };
  return { host, domain, record: { ...record, port: 0 }, state, reason: '', isInService: star === '*' } as Instance;
}
const stateOf = (...instances: readonly string[]) => {
  const { state, message } = describe({ target, down: [] }, 'web', instances.map(instance));
  return [state, message];
};
const unfinished = (words: string) => ['progressing', expect.stringMatching(new RegExp(`${words}.*deploy again`))];

it('is ready, stopped or failing where no deploy has been left', () => {
  expect(stateOf('r1-0 of 2 shutoff', 'r2-0 of 2 running*', 'r2-1 of 2 running*')).toEqual(['ready', '']);
  expect(stateOf('r1-0 of 1 shutoff', 'r2-0 of 0 shutoff')).toEqual(['stopped', '']);
  expect(stateOf('r2-0 of 1 shutoff*')).toEqual(['failing', expect.stringContaining('fn-web-r2-0 on lab1 is shutoff')]);
});

it('is in progress while anything is half done, and says what', () => {
  expect(stateOf('r1-0 of 1 running*', 'r2-0 of 1 shutoff')).toEqual(unfinished('Revision 2 is there'));
  expect(stateOf('r1-0 of 1 running*', 'r2-0 of 1 running')).toEqual(unfinished('fn-web-r2-0 is running and not in'));
  expect(stateOf('r1-0 of 1 running*', 'r2-0 of 1 running*')).toEqual(unfinished('fn-web-r1-0 of revision 1 is still'));
  expect(stateOf('r1-0 of 1 running', 'r2-0 of 1 running*')).toEqual(unfinished('fn-web-r1-0 is running and not in'));
  expect(stateOf('r1-0 of 2 running*', 'r1-1 of 2 shutoff', 'r1-1 of 1 shutoff')).toEqual(unfinished('one of 1'));
  expect(stateOf('r1-0 of 1 running*', 'r1-1 of 2 running*')).toEqual(unfinished('one of 2 instances'));
});

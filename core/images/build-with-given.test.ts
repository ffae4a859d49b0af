import { expect, it } from 'vitest';
import { type Project, projectConfigSchema } from '#shared/model/project.ts';
import { projectIdSchema } from '#shared/model/units.ts';
import { buildWithGiven, type GivesAtStart } from './build-with-given.ts';
import type { Build } from './image-store.ts';

const project: Project = {
  id: projectIdSchema.parse('0123456789ab'),
  dir: '/p/app',
  name: 'app',
  config: projectConfigSchema.parse({ name: 'app', runtime: 'ember', memoryMiB: 64, env: { STAGE: 'local' } }),
  problems: [],
  trusted: true,
  asks: [],
};
const env = { STAGE: 'prod', HOST: 'lab' };

/** A build of a module that reads these variables while it loads, by their values. */
async function build(gives: GivesAtStart, read: (own: Readonly<Record<string, string>>) => string[] | undefined) {
  const built: Readonly<Record<string, string>>[] = [];
  const { variables } = await buildWithGiven(project, { env }, gives, async (toBuild) => {
    const own = toBuild.config?.env ?? {};
    built.push(own);
    return { image: { envAtLoad: read(own) } } as Build;
  });
  return { built, variables };
}

it('writes only the variables into an image that its module reads while it loads', async () => {
  expect(await build('beforeCall', () => [])).toEqual({
    built: [{ STAGE: 'local' }],
    variables: { STAGE: 'prod', HOST: 'lab' },
  });
  expect(await build('beforeCall', () => ['STAGE', 'OTHER'])).toEqual({
    built: [{ STAGE: 'local' }, { STAGE: 'prod' }],
    variables: { HOST: 'lab' },
  });
});

it('builds again for what the module reads with the new values', async () => {
  const read = (own: Readonly<Record<string, string>>) => (own.STAGE === 'prod' ? ['STAGE', 'HOST'] : ['STAGE']);
  expect(await build('beforeCall', read)).toEqual({
    built: [{ STAGE: 'local' }, { STAGE: 'prod' }, { STAGE: 'prod', HOST: 'lab' }],
    variables: {},
  });
});

it('writes all into the image where they are not known, are all read, or cannot be given', async () => {
  const all = { STAGE: 'prod', HOST: 'lab' };
  expect(await build('beforeCall', () => undefined)).toEqual({ built: [{ STAGE: 'local' }, all], variables: {} });
  expect(await build('beforeCall', () => ['*'])).toEqual({ built: [{ STAGE: 'local' }, all], variables: {} });
  expect(await build('never', () => [])).toEqual({ built: [all], variables: {} });
});

it('writes none into the image of a container, which has them before it runs', async () => {
  expect(await build('beforeLoad', () => ['*'])).toEqual({
    built: [{ STAGE: 'local' }],
    variables: { STAGE: 'prod', HOST: 'lab' },
  });
});

it('writes what the bundler replaces by its value into the image', async () => {
  const built: unknown[] = [];
  const own = { NODE_ENV: 'development', HOST: 'lab' };
  const { variables } = await buildWithGiven(project, { env: own }, 'beforeLoad', async (toBuild) => {
    built.push(toBuild.config?.env);
    return { image: {} } as Build;
  });
  expect(built).toEqual([{ STAGE: 'local', NODE_ENV: 'development' }]);
  expect(variables).toEqual({ HOST: 'lab' });
});

/** A build with arguments of a function that has `args` in its firstlight.json. */
async function buildWithArgs(gives: GivesAtStart, args: string[] | undefined, argsAtLoad?: boolean) {
  const built: unknown[] = [];
  const own = { ...project, config: project.config && { ...project.config, args: ['own'] } };
  const { args: given } = await buildWithGiven(own, { env: {}, args }, gives, async (toBuild) => {
    built.push(toBuild.config?.args);
    return { image: { envAtLoad: [], argsAtLoad } } as unknown as Build;
  });
  return { built, given };
}

it('gives arguments to an image that did not read its own while it loaded', async () => {
  expect(await buildWithArgs('beforeCall', ['-v'], false)).toEqual({ built: [['own']], given: ['-v'] });
  expect(await buildWithArgs('beforeLoad', ['-v'], true)).toEqual({ built: [['own']], given: ['-v'] });
  expect(await buildWithArgs('beforeCall', undefined, true)).toEqual({ built: [['own']], given: undefined });
});

it('writes arguments into an image that depends on them, or is given none', async () => {
  expect(await buildWithArgs('beforeCall', ['-v'], true)).toEqual({ built: [['own'], ['-v']], given: undefined });
  expect(await buildWithArgs('beforeCall', ['-v'])).toEqual({ built: [['own'], ['-v']], given: undefined });
  expect(await buildWithArgs('never', ['-v'], false)).toEqual({ built: [['-v']], given: undefined });
  // Kubernetes takes an empty list for none.
  expect(await buildWithArgs('beforeLoad', [], false)).toEqual({ built: [[]], given: undefined });
});

import { describe, expect, it } from 'vitest';
import { deploySectionSchema } from '#shared/model/deploy-section.ts';
import { type Project, projectConfigSchema } from '#shared/model/project.ts';
import { projectIdSchema } from '#shared/model/units.ts';
import { planDeploy } from './profile.ts';

function project(deploy: object, more: Partial<Project> = {}): Project {
  const section = deploySectionSchema.parse(deploy);
  return {
    id: projectIdSchema.parse('0123456789ab'),
    dir: '/p/app',
    name: 'app',
    config: projectConfigSchema.parse({
      name: 'app',
      runtime: 'ember',
      memoryMiB: 64,
      env: { A: 'own', B: 'own' },
      deploy: section,
    }),
    problems: [],
    trusted: true,
    asks: [],
    ...more,
  };
}

/** A variable in the form of the file. */
const variable = (name: string) => `\${${name}}`;

describe('the plan of a deploy', () => {
  it('has the arguments of the profile, of the section or of the function', () => {
    const plan = (deploy: object, profile?: string) => {
      const { config, ...app } = project(deploy);
      return planDeploy({ ...app, config: config && { ...config, args: ['own'] } }, profile, { HOST: 'lab' }).args;
    };
    const profiles = { staging: { args: [`--host=${variable('HOST')}`] }, bare: { args: [] } };
    expect(plan({ args: ['base'], profiles }, 'staging')).toEqual(['--host=lab']);
    expect(plan({ args: ['base'], profiles }, 'bare')).toEqual([]);
    expect(plan({ args: ['base'], profiles })).toEqual(['base']);
    expect(plan({ profiles })).toEqual(['own']);
  });

  it('has the environment of the section, and of the profile over it', () => {
    const app = project({
      env: { B: 'base', C: 'base' },
      profiles: { staging: { env: { C: `at ${variable('HOST')}` } } },
    });
    expect(planDeploy(app, 'staging', { HOST: 'lab' }).env).toEqual({ B: 'base', C: 'at lab' });
    expect(planDeploy(app, undefined, {}).env).toEqual({ B: 'base', C: 'base' });
  });

  it('has either a number of pods or bounds, whichever the profile says', () => {
    const app = project({ replicas: 2, profiles: { production: { autoscale: { min: 2, max: 9 } }, staging: {} } });
    expect(planDeploy(app, 'production', {})).toMatchObject({
      replicas: undefined,
      autoscale: { min: 2, max: 9, cpuPercent: 80 },
    });
    expect(planDeploy(app, 'staging', {})).toMatchObject({ replicas: 2 });
  });

  it('names a profile that is not there, and those that are', () => {
    const app = project({ profiles: { staging: {} } });
    expect(() => planDeploy(app, 'prod', {})).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', hint: 'It has: staging' }),
    );
  });

  it('names a variable that is not set, and gives none to a project that is not trusted', () => {
    const deploy = { env: { KEY: variable('AWS_SECRET') } };
    expect(() => planDeploy(project(deploy), undefined, {})).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('"deploy.env.KEY"') }),
    );
    expect(() => planDeploy(project(deploy, { trusted: false }), undefined, { AWS_SECRET: 'x' })).toThrow(
      expect.objectContaining({ code: 'PROJECT_NOT_TRUSTED' }),
    );
  });

  it('has the secrets by reference, and none for a project that is not trusted', () => {
    const deploy = {
      secrets: { TOKEN: { secret: 'app', key: 'token' } },
      profiles: { staging: { secrets: { KEY: { env: 'MY_KEY' } } } },
    };
    const { project: planned, secrets } = planDeploy(project(deploy), 'staging', { MY_KEY: 'x' });
    expect(secrets).toEqual({ TOKEN: { secret: 'app', key: 'token' }, KEY: { env: 'MY_KEY' } });
    expect(planned.config?.env).toEqual({ A: 'own', B: 'own' });
    expect(() => planDeploy(project(deploy, { trusted: false }), undefined, {})).toThrow(
      expect.objectContaining({ code: 'PROJECT_NOT_TRUSTED', message: 'app asks for the secret TOKEN.' }),
    );
  });

  it('takes exactly one source for a secret', () => {
    for (const wrong of [{}, { secret: 'a' }, { key: 'k' }, { env: 'A', keychain: 'b' }, { value: 'x' }]) {
      expect(deploySectionSchema.safeParse({ secrets: { TOKEN: wrong } }).success).toBe(false);
    }
  });

  it('takes a signing key beside the project, of a trusted one only', () => {
    expect(planDeploy(project({ sign: 'key.pem' }), undefined, {}).signKey).toBe('/p/app/key.pem');
    const untrusted = project({ sign: 'key.pem' }, { trusted: false });
    expect(() => planDeploy(untrusted, undefined, {})).toThrow(/the signing key key.pem/);
  });
});

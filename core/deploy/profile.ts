import { resolve } from 'node:path';
import { FirstlightError } from '#shared/errors.ts';
import {
  type Autoscale,
  chooseProfile,
  type Route,
  type SecretReference,
  type WorkloadKind,
} from '#shared/model/deploy-section.ts';
import type { Project } from '#shared/model/project.ts';

/** The settings of a deploy in `firstlight.json`. */
export interface DeployPlan {
  readonly project: Project;
  /** The environment beside that of the function, without secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** The function's arguments: those of the deploy, else its own. Undefined: none are named. */
  readonly args: readonly string[] | undefined;
  readonly workload: WorkloadKind | undefined;
  readonly replicas: number | undefined;
  readonly autoscale: Autoscale | undefined;
  readonly route: Route | undefined;
  /** The file of the key that images are signed with. */
  readonly signKey: string | undefined;
  /** The variables that the guest gets when it starts. */
  readonly secrets: Readonly<Record<string, SecretReference>>;
}

/**
 * The plan of a deploy, from the section `deploy` and a profile of it.
 *
 * Errors: BAD_INPUT for a missing profile, or an unset variable; PROJECT_NOT_TRUSTED for variables
 * and secrets.
 */
export function planDeploy(project: Project, profile: string | undefined, env: NodeJS.ProcessEnv): DeployPlan {
  const section = project.config?.deploy ?? { env: {}, secrets: {}, profiles: {} };
  const chosen = chooseProfile(section, profile);
  if (chosen === null) {
    const known = Object.keys(section.profiles).join(', ');
    throw new FirstlightError('BAD_INPUT', `firstlight.json of ${project.name} has no profile "${profile}".`, {
      hint: known === '' ? 'It has none: add "deploy": {"profiles": {…}}.' : `It has: ${known}`,
      details: { subject: profile },
    });
  }
  const [secret] = Object.keys(chosen.secrets);
  if (secret !== undefined && !project.trusted) throw notTrusted(project, `the secret ${secret}`);
  const { workload, replicas, autoscale, route, secrets, sign } = chosen;
  if (sign !== undefined && !project.trusted) throw notTrusted(project, `the signing key ${sign}`);
  const signKey = sign === undefined ? undefined : resolve(project.dir, sign);
  const own = Object.entries(chosen.env)
    .filter(([name]) => secrets[name] === undefined)
    .map(([name, text]) => [name, expand(project, `env.${name}`, text, env)]);
  const args = chosen.args?.map((text, index) => expand(project, `args[${index}]`, text, env)) ?? project.config?.args;
  return { project, env: Object.fromEntries(own), args, workload, replicas, autoscale, route, signKey, secrets };
}

const notTrusted = ({ name, dir }: Project, what: string) =>
  new FirstlightError('PROJECT_NOT_TRUSTED', `${name} asks for ${what}.`, {
    hint: `Look at "deploy" in its firstlight.json. If it may have that: firstlight trust ${dir}`,
  });

/** A value with the deployer's variables filled in. An untrusted project could steal them: it gets none. */
function expand(project: Project, key: string, text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, variable: string) => {
    if (!project.trusted) throw notTrusted(project, `your environment variable ${variable}`);
    const value = env[variable];
    if (value !== undefined) return value;
    throw new FirstlightError('BAD_INPUT', `The variable ${variable} is not set; "deploy.${key}" needs it.`, {
      hint: `Set it for the deploy: ${variable}=… firstlight deploy`,
      details: { subject: variable },
    });
  });
}

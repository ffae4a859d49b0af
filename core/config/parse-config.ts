/** Reads firstlight.json, and lists all its problems at once, each with its place. */
import { findNodeAtLocation, getNodePath, getNodeValue, type Node } from 'jsonc-parser';
import type { Problem } from '#shared/errors.ts';
import { moveProgramKeys } from '#shared/model/moved-keys.ts';
import { type ProgramKey, programKeys, programSourceKeys } from '#shared/model/program.ts';
import {
  acceptedFileSchemaFor,
  configFileName,
  configFileSchema,
  configFileSchemaFor,
  type ProjectConfig,
  type RuntimeId,
} from '#shared/model/project.ts';
import type { RuntimeOptions } from '#shared/model/runtime-options.ts';
import { explainIssues, keyOffset, type Locate, readJsonText, sortProblems } from './explain-json.ts';

export interface ParsedConfig {
  /** Null when there is an error among the problems. */
  readonly config: ProjectConfig | null;
  /** The function's name as far as it can be read, also out of a file with errors. */
  readonly name: string | null;
  readonly problems: readonly Problem[];
  /** Its runtime prints diagnostics among the output of the program. */
  readonly printsDiagnostics: boolean;
}

/** The properties of a runtime that a configuration depends on. */
export interface KnownRuntime {
  readonly id: RuntimeId;
  /** Units: MiB. */
  readonly defaultMemoryMiB: number;
  /** False for a runtime that runs functions only. */
  readonly runsPrograms: boolean;
  /** The keys of a program that its functions use too. */
  readonly programKeys?: readonly ProgramKey[] | undefined;
  /** Its own section of firstlight.json. */
  readonly options?: RuntimeOptions | undefined;
  /**
   * The globals of a handler, for an editor: those of Node.js, or declarations of the runtime's own. Default: only
   * those of any handler.
   */
  readonly handlerGlobals?: 'node' | (() => Promise<string>) | undefined;
  /** True when its kernel prints diagnostics among the output of a program with this configuration. */
  readonly printsDiagnostics?: ((config: ProjectConfig) => boolean) | undefined;
}

/** More of them than anyone reads. */
const maxZeroBytes = 20;

/** The configuration in `text`, and its problems. Shape: the first runtime is the default one. */
export function parseConfig(text: string, runtimes: readonly KnownRuntime[]): ParsedConfig {
  const { root, isJson, problems: syntax, locate } = readJsonText(text, configFileName);
  const named = configFileSchema.shape.name.safeParse(root && findNodeAtLocation(root, ['name'])?.value);
  const name = named.success ? named.data : null;
  if (!isJson || root === null) return { config: null, name, problems: syntax, printsDiagnostics: false };
  const value: unknown = getNodeValue(root);
  const schema = acceptedFileSchemaFor(runtimes);
  const checked = schema.safeParse(value);
  const problems = checked.success ? [] : explainIssues(checked.error.issues, root, locate, schema);
  const config = checked.success ? fillIn(value, runtimes) : null;
  if (config !== null) {
    problems.push(...checkMeaning(config, root, locate), ...checkProgram(config, runtimes, root, locate));
    problems.push(...checkZeroBytes(root, locate));
  }
  const all = sortProblems([...problems, ...checkMovedKeys(runtimes, root, locate), ...syntax]);
  const isValid = all.every((problem) => problem.severity !== 'error');
  const printsDiagnostics =
    config !== null && runtimes.some(({ id, printsDiagnostics: prints }) => id === config.runtime && prints?.(config));
  return { config: isValid ? config : null, name, problems: all, printsDiagnostics };
}

/** The current configuration of a file, with the defaults of its runtime. */
function fillIn(value: unknown, runtimes: readonly KnownRuntime[]): ProjectConfig {
  const [usual] = runtimes;
  const known = (id: unknown) => (id === undefined ? usual : runtimes.find((runtime) => runtime.id === id));
  const moved = moveProgramKeys(value, formerSections(runtimes), (id) => known(id)?.runsPrograms ?? false);
  const whole = configFileSchemaFor(runtimes).parse(moved);
  const sections = Object.fromEntries(runtimes.map(({ id }) => [id, whole[id]]));
  const file = configFileSchema.parse(Object.fromEntries(Object.entries(whole).filter(([key]) => !(key in sections))));
  const runtime = known(file.runtime);
  const runtimeOptions = sections[runtime?.id ?? ''] as ProjectConfig['runtimeOptions'];
  return {
    ...file,
    runtime: runtime?.id ?? '',
    memoryMiB: file.memoryMiB ?? runtime?.defaultMemoryMiB ?? 0,
    ...(runtimeOptions !== undefined && { runtimeOptions }),
  };
}

/** The sections that contained the keys of a program in older files. */
export const formerSections = (runtimes: readonly KnownRuntime[]): string[] =>
  runtimes.filter(({ options }) => options?.hadProgramKeys).map(({ id }) => id);

/** Warnings for the keys of an older file, each with its present place. Errors: a key that is in both places. */
function checkMovedKeys(runtimes: readonly KnownRuntime[], root: Node, locate: Locate): Problem[] {
  return formerSections(runtimes).flatMap((name) => {
    const section = findNodeAtLocation(root, [name]);
    if (section === undefined) return [];
    return programKeys
      .filter((key) => findNodeAtLocation(section, [key]) !== undefined)
      .map((key) => {
        const offset = keyOffset(section, key);
        if (findNodeAtLocation(root, [key]) !== undefined) {
          return locate(offset, `"${key}" is at the top level too, which is its place. Remove it here.`);
        }
        const words = `"${name}.${key}" has moved: write "${key}" at the top level. \`firstlight migrate\` rewrites the file.`;
        return locate(offset, words, 'warning');
      });
  });
}

/** Errors for a program on a runtime that runs none, and warnings for settings that such a runtime does not use. */
function checkProgram(
  { runtime }: ProjectConfig,
  runtimes: readonly KnownRuntime[],
  root: Node,
  locate: Locate,
): Problem[] {
  const running = runtimes.filter(({ runsPrograms }) => runsPrograms).map(({ id }) => id);
  if (running.includes(runtime)) return [];
  const used = runtimes.find(({ id }) => id === runtime)?.programKeys ?? [];
  const others = running.map((id) => JSON.stringify(id));
  return programKeys
    .filter((key) => !used.includes(key) && findNodeAtLocation(root, [key]) !== undefined)
    .map((key) => {
      if (!(programSourceKeys as readonly string[]).includes(key)) {
        const words = `"${key}" has no effect: the runtime "${runtime}" does not use it.`;
        return locate(keyOffset(root, key), words, 'warning');
      }
      const advice = `Set "runtime" to ${others.join(' or ')}, or remove "${key}".`;
      return locate(keyOffset(root, key), `The runtime "${runtime}" runs functions, not programs. ${advice}`);
    });
}

/** Errors for texts with a zero byte: no path, no variable and no argument of a program can have one. */
function checkZeroBytes(root: Node, locate: Locate): Problem[] {
  const found: Problem[] = [];
  for (const left = [root]; found.length < maxZeroBytes; ) {
    const node = left.pop();
    if (node === undefined) break;
    left.push(...(node.children ?? []));
    if (node.type !== 'string' || !`${node.value}`.includes('\0')) continue;
    const key = getNodePath(node).join('.').slice(0, 200);
    found.push(locate(node.offset, `${JSON.stringify(key)} has a zero byte (\\u0000), which nothing here can have.`));
  }
  return found;
}

/** Checks that no schema expresses: settings that would surprise later. */
function checkMeaning(config: ProjectConfig, root: Node, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const at = (path: string[]) => findNodeAtLocation(root, path)?.offset ?? root.offset;
  for (const path of [
    ['deploy'],
    ...Object.keys(config.deploy?.profiles ?? {}).map((of) => ['deploy', 'profiles', of]),
  ]) {
    const autoscale = findNodeAtLocation(root, [...path, 'autoscale']);
    if (autoscale === undefined) continue;
    const where = [...path, 'autoscale'].join('.');
    if (findNodeAtLocation(root, [...path, 'replicas']) !== undefined) {
      problems.push(locate(autoscale.offset, `"${where}" and "replicas" exclude each other: remove one of them.`));
    }
    const { min = 1, max = 1 } = getNodeValue(autoscale) as { readonly min?: number; readonly max?: number };
    if (min > max)
      problems.push(locate(autoscale.offset, `"${where}" has a "min" of ${min} above its "max" of ${max}.`));
  }
  const parts = config.entry.split(/[\\/]/);
  if (config.entry.startsWith('/') || parts.includes('..')) {
    problems.push(locate(at(['entry']), `"entry" must lie inside the project, not ${JSON.stringify(config.entry)}.`));
  }
  const env = findNodeAtLocation(root, ['env']);
  for (const name of Object.keys(config.env)) {
    if (env === undefined || !looksSecret(name)) continue;
    const words = `"${name}" looks like a secret. "env" is written into the image, where everybody who has the image can read it.`;
    problems.push(locate(keyOffset(env, name), words, 'warning'));
  }
  return problems;
}

const looksSecret = (name: string) =>
  /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|KEY|APIKEY)$/i.test(name);

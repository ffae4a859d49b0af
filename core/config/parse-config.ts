/** Reads firstlight.json, and says everything that is wrong with it at once, each with its place. */
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import type { Problem } from '#shared/errors.ts';
import { configFileName, configFileSchema, type ProjectConfig, projectConfigSchema } from '#shared/model/project.ts';
import { explainIssues, keyOffset, type Locate, readJsonText, sortProblems } from './explain-json.ts';

export interface ParsedConfig {
  /** Null when there is an error among the problems. */
  readonly config: ProjectConfig | null;
  /** The function's name as far as it can be read, also out of a file with errors. */
  readonly name: string | null;
  readonly problems: readonly Problem[];
}

/** The configuration that `text` is, and what is wrong with it. */
export function parseConfig(text: string): ParsedConfig {
  const { root, isJson, problems: syntax, locate } = readJsonText(text, configFileName);
  const named = configFileSchema.shape.name.safeParse(root && findNodeAtLocation(root, ['name'])?.value);
  const name = named.success ? named.data : null;
  if (!isJson || root === null) return { config: null, name, problems: syntax };
  const parsed = projectConfigSchema.safeParse(getNodeValue(root));
  const problems = parsed.success ? [] : explainIssues(parsed.error.issues, root, locate, configFileSchema);
  if (parsed.success) problems.push(...checkMeaning(parsed.data, root, locate));
  const all = sortProblems([...problems, ...syntax]);
  const isValid = parsed.success && all.every((problem) => problem.severity !== 'error');
  return { config: isValid ? parsed.data : null, name, problems: all };
}

/** Things that no schema says: what would surprise later. */
function checkMeaning(config: ProjectConfig, root: Node, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const at = (path: string[]) => findNodeAtLocation(root, path)?.offset ?? root.offset;
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

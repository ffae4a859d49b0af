/** Reads ops' config.json, and lists all its problems at once, each with its place. */
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import { z } from 'zod';
import { explainIssues, keysAt, type Locate, readJsonText, sortProblems } from '#core/config/explain-json.ts';
import type { Problem } from '#shared/errors.ts';
import { ignoredKeys, type OpsConfig, opsConfigSchema, refusedKeys } from './ops-schema.ts';

export interface ParsedOpsConfig {
  /** Null when there is an error among the problems. */
  readonly config: OpsConfig | null;
  /** Warnings among them are keys without effect here. */
  readonly problems: readonly Problem[];
  /** Makes a problem at a key's place, for faults found later. */
  readonly at: (path: readonly (string | number)[], message: string, severity?: Problem['severity']) => Problem;
}

/** Nobody writes more by hand; ops itself writes a few hundred bytes. */
export const maxOpsConfigBytes = 1 << 20;

/** The configuration in `text`. `file` is its name in the problems. */
export function parseOpsConfig(text: string, file: string): ParsedOpsConfig {
  const { root, isJson, problems: syntax, locate } = readJsonText(text, file);
  const at: ParsedOpsConfig['at'] = (path, message, severity) => {
    const node = root === null ? undefined : findNodeAtLocation(root, [...path]);
    return locate(node?.parent?.type === 'property' ? node.parent.offset : (node?.offset ?? 0), message, severity);
  };
  if (!isJson || root === null) return { config: null, problems: syntax, at };
  takeAnyCase(root);
  const parsed = opsConfigSchema.safeParse(getNodeValue(root));
  const found = parsed.success ? [] : explainIssues(parsed.error.issues, root, locate, opsConfigSchema);
  const problems = sortProblems([...syntax, ...found, ...explainUses(root, locate)]);
  const isValid = parsed.success && problems.every(({ severity }) => severity !== 'error');
  return { config: isValid ? parsed.data : null, problems, at };
}

/** ops ignores the case of its keys: gives each key its standard spelling. */
function takeAnyCase(root: Node): void {
  const spell = (object: Node | undefined, keys: readonly string[]) => {
    for (const property of object?.type === 'object' ? (object.children ?? []) : []) {
      const key = property.children?.[0];
      const known = keys.find((name) => name.toLowerCase() === String(key?.value).toLowerCase());
      if (key !== undefined && known !== undefined) (key as { value: unknown }).value = known;
    }
  };
  spell(root, keysAt(opsConfigSchema, []));
  spell(findNodeAtLocation(root, ['RunConfig']), keysAt(opsConfigSchema, ['RunConfig']));
  const nics = findNodeAtLocation(root, ['RunConfig', 'Nics']);
  for (const nic of nics?.children ?? []) spell(nic, ['IPAddress', 'IPv6Address', 'NetMask', 'Gateway', 'BridgeName']);
}

/** Problems for keys that have no effect, or that ask for something impossible. Values that ask for nothing are ignored. */
function explainUses(root: Node, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const say = (
    keys: Readonly<Record<string, string>>,
    words: (name: string, why: string) => string,
    severity: Problem['severity'],
  ) => {
    for (const [name, why] of Object.entries(keys)) {
      const node = findNodeAtLocation(root, name.split('.'));
      if (node === undefined || asksForNothing(getNodeValue(node))) continue;
      problems.push(locate(node.parent?.offset ?? node.offset, words(name, why), severity));
    }
  };
  say(ignoredKeys, (name, why) => `"${name}" has no effect: ${why}.`, 'warning');
  say(refusedKeys, (name, why) => `"${name}" cannot be had: ${why}.`, 'error');
  return problems;
}

const emptySchema = z.union([z.literal([false, 0, '', null]), z.strictObject({}), z.array(z.unknown()).length(0)]);
const asksForNothing = (value: unknown) => emptySchema.safeParse(value).success;

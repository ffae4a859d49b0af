/** Finds the members of Node's modules that a bundle uses and the guest's versions of them lack. */
import type { Shims } from './add-shims.ts';
import type { Lack } from './lack.ts';

/** A shim of a module, as esbuild writes it: the name of its function, and the module's file. */
const shim = /\bvar (require_\w+) = __commonJS\(\{\s*"[^"\n]*dist\/shims\/node\/([a-z_-]+)\.js"/g;

/** Uses of a member, directly or as a variable's. */
export function lackingModuleMembers(code: string, members: Shims['members']): Lack[] {
  const lacks: Lack[] = [];
  for (const { 1: load = '', 2: module = '' } of code.matchAll(shim)) {
    const known = members[module];
    if (known === undefined || known.length === 0 || module.startsWith('assert')) continue;
    const has = new Set([...known, 'default', '__esModule', ...Object.getOwnPropertyNames(Function.prototype)]);
    const add = (name: string, at: number, asks: boolean) => {
      if (/^\w+$/.test(name) && !has.has(name))
        lacks.push({ name: `${module}.${name}`, at, asks, message: lackingMember(name, module) });
    };
    // `const { createSign } = require('crypto')`, `const crypto = require('crypto')`, `import * as crypto from 'crypto'`,
    // `require('crypto').createSign(…)`.
    const loaded = new RegExp(
      `(?:\\{([^{}]*)\\}|(?<![\\w$.])([A-Za-z_$][\\w$]*)) = (?:__toESM\\()?${load}\\(\\)(?!\\.)|(?<![\\w$.])${load}\\(\\)\\.(\\w+)\\(`,
      'g',
    );
    for (const { 1: names, 2: variable, 3: member, index } of code.matchAll(loaded)) {
      if (member !== undefined) add(member, index, false);
      if (names !== undefined)
        for (const part of names.split(',')) add(part.split(/[:=]/)[0]?.trim() ?? '', index, false);
      if (variable !== undefined) for (const use of usesOf(variable, fileAround(code, index))) add(...use);
    }
  }
  return lacks;
}

interface Part {
  readonly code: string;
  readonly from: number;
}

/** The file of a bundle that a place is in: esbuild writes its path before it. */
function fileAround(code: string, at: number): Part {
  const from = Math.max(code.lastIndexOf('\n// ', at), 0);
  const to = code.indexOf('\n// ', at);
  return { code: code.slice(from, to === -1 ? undefined : to), from };
}

/** The calls of a variable's members, and the checks whether they are there. */
function* usesOf(variable: string, { code, from }: Part): Generator<[name: string, at: number, asks: boolean]> {
  const named = variable.replaceAll('$', '\\$');
  const use = new RegExp(
    `(typeof |\\bif \\(|!)?(?<![\\w$.])${named}(?:\\.default)?\\.(\\w+)(\\(|\\)\\(|\\)| (?:&&|\\|\\||\\?|[!=]==?) )?`,
    'g',
  );
  for (const { 1: before, 2: name = '', 3: after, index } of code.matchAll(use)) {
    const isCalled = after === '(' || after === ')(';
    if (isCalled && before !== 'typeof ') yield [name, from + index + (before?.length ?? 0), false];
    else if (before !== undefined || (after !== undefined && after !== ')')) yield [name, from + index, true];
  }
}

const lackingMember = (member: string, module: string) =>
  `\`${member}\` of "node:${module}" is not there: the guest has the part of that module that ${module.startsWith('fs') ? 'reads' : 'needs no system'}.`;

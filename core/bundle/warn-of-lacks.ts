/**
 * Warns of features that a bundle uses and a bare engine lacks: globals, members of globals, Node's modules in part,
 * and the methods of languages.
 */
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { Metafile } from 'esbuild';
import type { Problem } from '#shared/errors.ts';
import type { Shims } from './add-shims.ts';
import { decodedLabels, membersOf, missingGlobals, staticsOf } from './globals.ts';
import { importChain } from './import-chain.ts';
import type { Lack } from './lack.ts';
import { lackingModuleMembers } from './lacking-modules.ts';
import type { GlobalUse } from './mark-globals.ts';
import { isShim } from './node-modules.ts';

/** A use this near after a check is what the check is for. */
const maxGuardChars = 300;
/** A longer line was generated, not written by a person. */
const maxLineChars = 1000;

interface Compiled {
  readonly code: string;
  readonly sourceMap: string;
  readonly uses: readonly GlobalUse[];
  readonly metafile: Metafile;
}

/** Warnings: one for each line of the project, one for each file of a package. */
export function warnOfLacks(made: Compiled, members: Shims['members'], hasFetch: boolean): Problem[] {
  const lacks = [
    ...lackingGlobals(made).filter(({ name }) => !(hasFetch && name === 'fetch')),
    ...lackingModuleMembers(made.code, members),
    ...localeMethods(made.code),
    ...lastMatches(made.code),
    ...lackingMeta(made.code),
    ...lackingEncodings(made.code),
  ];
  if (lacks.length === 0) return [];
  lacks.sort((a, b) => a.at - b.at);
  const placeOf = placesIn(made);
  /** Where each file asks last. */
  const asked = new Map<string, number>();
  const found = new Map<string, { readonly asking: string; readonly isApart: boolean; readonly problem: Problem }>();
  for (const { name, at, message, asks } of lacks) {
    const place = placeOf(at);
    if (place === null || isShim(place.file)) continue;
    const { file } = place;
    const asking = `${name} ${file}`;
    if (asks) asked.set(asking, at);
    // Who asks for one part of it elsewhere in the file does without that part alone.
    const isApart = name === 'Intl' && at - (asked.get(asking) ?? at) > maxGuardChars;
    const isPackage = file.includes('node_modules/');
    const key = isPackage ? asking : `${asking} ${place.line}`;
    if (asks || (found.has(key) && !isApart)) continue;
    const chain = isPackage ? importChain(made.metafile, file) : null;
    const words = chain === null ? message : `${message} It is wanted by ${chain}.`;
    found.set(key, { asking, isApart, problem: { severity: 'warning', message: words, ...place } });
  }
  return [...found.values()]
    .filter(({ asking, isApart }) => isApart || !asked.has(asking))
    .map(({ problem }) => problem);
}

/** Places in the sources for ascending offsets in the code. */
function placesIn({ code, sourceMap }: Compiled) {
  const map = new TraceMap(sourceMap);
  let [line, start] = [1, 0];
  return (at: number) => {
    for (let next = code.indexOf('\n', start); next !== -1 && next < at; next = code.indexOf('\n', start)) {
      start = next + 1;
      line++;
    }
    const place = originalPositionFor(map, { line, column: at - start });
    if (place.source === null) return null;
    const lineText = map.sourcesContent?.[map.sources.indexOf(place.source)]?.split('\n')[place.line - 1];
    return {
      file: place.source,
      line: place.line,
      column: place.column + 1,
      ...(lineText !== undefined && lineText.length <= maxLineChars && { lineText }),
    };
  };
}

function lackingGlobals({ code, uses }: Compiled): Lack[] {
  return uses.flatMap(({ name, at, asks, member }): Lack[] => {
    const why = missingGlobals.get(name);
    // `typeof name.member` fails as any use of it does.
    if (why !== undefined)
      return [{ name, at, asks: asks && member === '', message: `\`${name}\` is not there: ${why}` }];
    const known = membersOf.get(name) ?? staticsOf.get(name);
    if (known === undefined || member === '' || known.has(member)) return [];
    // Only a call or a use of members fails, also after `typeof`; a plain read gives undefined.
    const isCalled = new RegExp(`^(?:globalThis\\.|self\\.)?${name}\\.${member}[(.[]`).test(code.slice(at, at + 80));
    const message = `\`${name}.${member}\` is not there: the guest's ${name} has ${[...known].filter((has) => !(has in Function)).join(', ')}.`;
    return [{ name: `${name}.${member}`, at, asks: !isCalled, message }];
  });
}

const decoderOf = /\bnew TextDecoder(?:Stream)?\((["'`])([\w.:-]+)\1/g;

/** Encodings, named in the code, that the guest's TextDecoder refuses when it is made. */
function lackingEncodings(code: string): Lack[] {
  return [...code.matchAll(decoderOf)].flatMap(({ 2: label = '', index }): Lack[] => {
    if (decodedLabels.has(label.toLowerCase())) return [];
    const message = `TextDecoder does not know ${JSON.stringify(label)}: the guest decodes UTF-8, UTF-16 and windows-1252. Use a package that brings its own tables, as iconv-lite.`;
    return [{ name: `TextDecoder ${label}`, at: index + 4, asks: false, message }];
  });
}

const tableMethods = 'toLocaleString|toLocaleDateString|toLocaleTimeString|localeCompare';
/** Calls, and the ways to take a method of a class for a later call. */
const localeMethod = new RegExp(
  [
    `\\.(${tableMethods})(?:\\?\\.)?(?:\\.(?:call|apply|bind))?\\(`,
    `(?<=\\b(?:Number|Date|BigInt|String|Array)\\.prototype)\\.(${tableMethods})(?![\\w$])(?!\\s*=[^=])`,
    `(?<=[\\w$)\\]])\\[\\s*["'\`](${tableMethods})["'\`]\\s*\\](?:\\?\\.)?[(.]`,
    `(?<=[{,]\\s*)(${tableMethods})(?=\\s*(?:[:,][^{}()]*)?\\}\\s*=[^=>])`,
    // The two methods that change case matter only with a language: without one they work the same everywhere.
    '\\.(toLocaleUpperCase|toLocaleLowerCase)(?:\\?\\.)?\\((?!\\))',
  ].join('|'),
  'g',
);

/** QuickJS has these methods, without data for any language. */
function localeMethods(code: string): Lack[] {
  return [...code.matchAll(localeMethod)].map((found) => {
    const method = found.slice(1).find((name) => name !== undefined) ?? '';
    const at = found.index + found[0].indexOf(method);
    return { name: method, at, asks: false, message: describeLocaleMethod(method) };
  });
}

function describeLocaleMethod(method: string): string {
  if (method.endsWith('Case')) return `\`${method}\` knows no language: "i" becomes "I" and never "İ".`;
  if (method === 'localeCompare')
    return '`localeCompare` compares by code points: the guest has no tables of languages. "Z" comes before "a", and "z" before "ä".';
  return `\`${method}\` formats the same for every language: the guest has no tables of languages. Format by hand, or with a package that brings its own.`;
}

const lastMatch = /(?<![\w$.])RegExp\.(\$[1-9&_+`']|lastMatch|lastParen|leftContext|rightContext|input)(?![\w$])/g;

/** QuickJS does not keep the last match on `RegExp`: reading it gives undefined. */
function lastMatches(code: string): Lack[] {
  return [...code.matchAll(lastMatch)].map(({ 1: member = '', index }) => ({
    name: `RegExp.${member}`,
    at: index,
    asks: false,
    message: `\`RegExp.${member}\` is not there: use what exec or match returns.`,
  }));
}

/** Uses of members of `import.meta`: a file's place, which nothing in the guest has, and what other tools put there. */
const metaMember =
  /(?<=[(,=?:[{&|+!>]\s*|\breturn |\bawait |(\btypeof ))import\.meta\.(?:(url|dirname|filename)|(env)(?=\.|\?\.)|(resolve|glob)(?=\(|\?\.))(?![\w$])(?!\s*[!=]==? )(\s*(?:\?|&&|\|\|))?|(?<=\btypeof )import\.meta\.(url|dirname|filename|env|resolve|glob)(?![\w$])/g;

function lackingMeta(code: string): Lack[] {
  return [...code.matchAll(metaMember)].map(({ 1: asked, 2: place, 3: env, 4: call, 5: asks, 6: typed, index }) => {
    const name = `import.meta.${place ?? env ?? call ?? typed}`;
    const why =
      env === undefined
        ? 'the bundle lies nowhere in the guest. Import a .txt or .bin file to have its content.'
        : 'variables are in `process.env`.';
    const isAsked = [asked, asks, typed].some((found) => found !== undefined);
    return { name, at: index, asks: isAsked, message: `\`${name}\` is not there: ${why}` };
  });
}

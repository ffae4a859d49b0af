/**
 * The names of files that code opens, read from the code as text: what it joins to its own folder, or to the working
 * directory.
 */

const text = `(['"\`])((?:(?!\\1)[^\\\\\\n$])+)\\1`;
const literal = `['"\`][^'"\`\\\\\\n$]+['"\`]`;
const ownFile =
  '(?:__filename|import\\.meta\\.filename|(?:url\\.)?fileURLToPath\\(\\s*import\\.meta\\.url\\s*\\)|new URL\\(\\s*import\\.meta\\.url\\s*\\)\\.pathname)';
const ownFolder = [
  '__dirname',
  'import\\.meta\\.dirname',
  `(?:path\\.)?dirname\\(\\s*${ownFile}\\s*\\)`,
  'new URL\\(\\s*[\'"`]\\./?[\'"`]\\s*,\\s*import\\.meta\\.url\\s*\\)(?:\\.pathname)?',
  '(?:url\\.)?fileURLToPath\\(\\s*new URL\\(\\s*[\'"`]\\./?[\'"`]\\s*,\\s*import\\.meta\\.url\\s*\\)\\s*\\)',
].join('|');
const any = /__dirname|__filename|import\.meta\.(?:url|dirname|filename)/;
const opens = /\b(?:readFile|readFileSync|createReadStream|readdir|readdirSync|new Worker|open|openSync)\b/;
const opening = '(?:readFile|readFileSync|createReadStream|readdir|readdirSync|openSync)';
const isRelative = (name: string) => !/^(?:[a-z][a-z+.-]*:|\/)/i.test(name);

export interface NamesInCode {
  /** Relative to the folder of the code. Shape: a name that is only begun in the code is that of its folder. */
  readonly beside: readonly string[];
  /** Relative to the working directory. */
  readonly fromWorkingDir: readonly string[];
  /** Packages that a `createRequire` of the code requires, and those that code asks the place of. */
  readonly required: readonly string[];
  /** Where the code opens a file by a name that does not stand in it. */
  readonly unclearAt?: number;
}

/** The names of the files that code opens beside itself. */
export function namesInCode(code: string): NamesInCode {
  const fromWorkingDir = [
    ...joinedTo('process\\.cwd\\(\\)', code).names,
    ...[...code.matchAll(new RegExp(`\\b(?:${opening}|path\\.resolve)\\(\\s*${text}`, 'g'))].map(
      (match) => match[2] ?? '',
    ),
  ].filter((name) => isRelative(name) && isBelow(name));
  const resolved = [...code.matchAll(/(?:require|import\.meta)\.resolve\(\s*(['"`])(\.[^'"`$]+)\1\s*\)/g)].map(
    (match) => match[2] ?? '',
  );
  const specifiers = requiredIn(code);
  const required = specifiers.flatMap((name) => /^(?:@[^/]+\/)?[^./:@][^/:]*(?=\/|$)/.exec(name)?.[0] ?? []);
  if (!any.test(code)) return { beside: resolved, fromWorkingDir, required };
  const { names, unclear } = joinedTo(`(?:${[ownFolder, ...aliasesOf(ownFolder, code)].join('|')})`, code);
  const byUrl = urlsIn(code);
  const beside = [...byUrl.names, ...names, ...resolved, ...specifiers.filter((name) => name.startsWith('.'))].filter(
    isRelative,
  );
  const isSilent = beside.length + required.length === 0;
  const at = !opens.test(code) ? undefined : (unclear ?? byUrl.unclear ?? (isSilent ? code.search(any) : undefined));
  return { beside, fromWorkingDir, required, ...(at !== undefined && { unclearAt: at }) };
}

/** True where a path lies in the folder that it starts from, and is not that folder. */
const isBelow = (name: string) => !/^(?:\.?\/*$|\.\.(?:\/|$))/.test(name);

interface Read {
  readonly names: readonly string[];
  readonly unclear: number | undefined;
}

/** What `join(base, 'a', 'b')`, `base + '/a'` and `${base}/a` name, also where only the start stands in the code. */
function joinedTo(base: string, code: string): Read {
  const names: string[] = [];
  let unclear: number | undefined;
  const add = (name: string, isWhole: boolean, at: number) => {
    const known = isWhole ? name : name.slice(0, name.lastIndexOf('/') + 1);
    if (isWhole || isBelow(known)) names.push(known);
    else unclear ??= at;
  };
  const byJoin = new RegExp(`\\b(?:join|resolve)\\(\\s*${base}((?:\\s*,\\s*${literal})*)\\s*(,(?=\\s*[^\\s)]))?`, 'g');
  for (const { 1: list = '', 2: more, index } of code.matchAll(byJoin)) {
    const parts = [...list.matchAll(/(['"`])((?:(?!\1).)+)\1/g)].map((part) => part[2] ?? '');
    if (parts.length > 0 || more !== undefined)
      add(more === undefined ? parts.join('/') : `${parts.join('/')}/`, more === undefined, index);
  }
  const bySum = new RegExp(`${base}\\s*\\+\\s*(['"\`])/?((?:(?!\\1)[^\\\\\\n$])+)\\1(\\s*\\+)?`, 'g');
  for (const { 2: name = '', 3: more, index } of code.matchAll(bySum)) add(name, more === undefined, index);
  const byTemplate = new RegExp(`\\$\\{${base}\\}/?([^\`$]*)(\\$\\{)?`, 'g');
  for (const { 1: name = '', 2: more, index } of code.matchAll(byTemplate))
    if (name !== '' || more !== undefined) add(name, more === undefined, index);
  return { names, unclear };
}

/** What `new URL('a', import.meta.url)` names. */
function urlsIn(code: string): Read {
  const names: string[] = [];
  let unclear: number | undefined;
  const byUrl =
    /new URL\(\s*(?:(['"])([^'"\\\n]+)\1(\s*\+[^,()]+)?|`([^`\\\n$]*)(\$\{[^`\n]*)?`)\s*,\s*import\.meta\.url\s*\)/g;
  for (const { 2: quoted, 3: sum, 4: begun = '', 5: rest, index } of code.matchAll(byUrl)) {
    const name = quoted ?? begun;
    const isWhole = sum === undefined && rest === undefined;
    const known = isWhole ? name : name.slice(0, name.lastIndexOf('/') + 1);
    if (isBelow(known) || (isWhole && !/^\.?\/?$/.test(name))) names.push(known);
    else if (!isWhole) unclear ??= index;
  }
  return { names, unclear };
}

/** Variables that hold the folder. Shape: as words of a pattern. */
const aliasesOf = (base: string, code: string): string[] =>
  [...code.matchAll(new RegExp(`\\b(?:const|let|var)\\s+(\\w+)\\s*=\\s*(?:${base})\\s*(?=[;,\\n]|$)`, 'g'))].map(
    (match) => `\\b${match[1]}\\b`,
  );

/** What `createRequire(import.meta.url)` is asked for, by a variable or at once, and what `resolve` looks for. */
function requiredIn(code: string): string[] {
  const maker = '(?:\\w+\\.)?createRequire\\(\\s*(?:import\\.meta\\.url|import\\.meta\\.filename|__filename)\\s*\\)';
  const names = [...code.matchAll(new RegExp(`\\b(?:const|let|var)\\s+(\\w+)\\s*=\\s*${maker}`, 'g'))].map(
    (match) => `\\b${match[1]}`,
  );
  const resolvers = ['\\brequire', 'import\\.meta', ...names].map((name) => `${name}\\.resolve`);
  const asked = new RegExp(`(?:${[maker, ...names, ...resolvers].join('|')})\\(\\s*${text}\\s*\\)`, 'g');
  return [...code.matchAll(asked)].map((match) => match[2] ?? '');
}

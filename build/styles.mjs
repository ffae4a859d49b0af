// The rules of the window's styles (docs/architecture.md), their check for `npm run lint`, and the types of CSS
// modules.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { root as checkout } from './script.mjs';

/** The style sheets whose class names are global: the text and scrolling styles that all parts use. */
export const globalSheets = ['renderer/ui/base.css', 'renderer/ui/tokens.css'];

/** Class names that libraries give to their elements. */
const libraryClass = /^(xterm|u|monaco)(-|$)/;

const isModule = (path) => path.endsWith('.module.css');
const withoutComments = (css) => css.replace(/\/\*.*?\*\//gs, '');

/** The selectors of a style sheet, including those in at-rules, in order. */
function selectorsOf(css) {
  return [...withoutComments(css).matchAll(/([^{};]+)\{/g)]
    .map((match) => match[1])
    .filter((text) => !/^\s*@/.test(text));
}

const classNames = (text) => [...text.matchAll(/\.([A-Za-z_][\w-]*)/g)].map((match) => match[1]);

/** The classes of a CSS module: its own classes, and the global classes that its selectors name. */
export function readModule(css) {
  const own = new Set();
  const global = new Set();
  for (const selector of selectorsOf(css)) {
    for (const match of selector.matchAll(/:global\(([^)]*)\)/g))
      for (const name of classNames(match[1])) global.add(name);
    for (const name of classNames(selector.replace(/:global\([^)]*\)/g, ''))) own.add(name);
  }
  return { own: [...own], global: [...global] };
}

/** The names that a source gives to the CSS modules it imports. Shape: `[{ path, name }]`, paths relative to the root. */
function moduleImports(path, text) {
  return [...text.matchAll(/import (\w+) from '([^']+\.module\.css)'/g)].map(([, name, specifier]) => ({
    name,
    path: posix.normalize(posix.join(posix.dirname(path), specifier)),
  }));
}

/** The literal words in the `className`s of a source. */
function writtenClasses(text) {
  const values = [...text.matchAll(/className=(?:"([^"]*)"|\{((?:[^{}]|\{[^{}]*\})*)\})/g)];
  return values.flatMap(([, literal, expression]) => {
    if (literal !== undefined) return literal.split(/\s+/);
    const texts = [...expression.matchAll(/(?:[?:(,]|&&)\s*'([^']*)'|`([^`]*)`/g)].map((match) => match[1] ?? match[2]);
    return texts.flatMap((value) => value.replace(/\$\{[^}]*\}/g, ' ').split(/\s+/));
  });
}

/**
 * The violations of the rules for the window's styles, as sentences.
 *
 * Shape: `files` are the texts of the renderer's sources and style sheets, by paths relative to the root.
 */
export function checkStyles(files) {
  const problems = [];
  const paths = Object.keys(files);
  const vocabulary = new Set(globalSheets.flatMap((path) => selectorsOf(files[path] ?? '').flatMap(classNames)));
  const modules = new Map();
  for (const path of paths.filter((name) => name.endsWith('.css') && !globalSheets.includes(name))) {
    if (!isModule(path)) problems.push(`${path} has global class names: make it a CSS module (.module.css)`);
    else modules.set(path, { ...readModule(files[path]), used: new Set() });
  }
  for (const path of paths.filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))) {
    const text = files[path];
    for (const { name, path: sheet } of moduleImports(path, text)) {
      if (dirname(sheet) !== dirname(path) && !sheet.startsWith('renderer/ui/'))
        problems.push(`${path} imports ${sheet}: only renderer/ui and the own folder have styles for it`);
      const module = modules.get(sheet);
      for (const [, used] of text.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))) module?.used.add(used);
      if (new RegExp(`\\b${name}\\[`).test(text)) for (const own of module?.own ?? []) module.used.add(own);
    }
    for (const word of writtenClasses(text))
      if (word !== '' && !vocabulary.has(word) && !libraryClass.test(word))
        problems.push(`${path} uses the class '${word}', which is in none of ${globalSheets.join(', ')}`);
  }
  for (const [path, { own, global, used }] of modules) {
    for (const name of own) if (!used.has(name)) problems.push(`${path}: nothing uses .${name}`);
    for (const name of global)
      if (!vocabulary.has(name) && !libraryClass.test(name))
        problems.push(`${path}: :global(.${name}) is the class of nobody`);
  }
  return problems;
}

/** The renderer's sources and style sheets. Shape: texts by path relative to `root`. */
export function readStyleSources(root = checkout) {
  const paths = readdirSync(join(root, 'renderer'), { recursive: true })
    .map((name) => posix.join('renderer', name))
    .filter((path) => /\.(css|tsx?)$/.test(path));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** Writes the types of all CSS modules to .cache/style-types, where the renderer's tsconfig.json looks for them. */
export function writeStyleTypes(root = checkout) {
  for (const [path, text] of Object.entries(readStyleSources(root)).filter(([name]) => isModule(name))) {
    const lines = readModule(text).own.map((name) => `  readonly '${name}': string;`);
    const types = `declare const styles: {\n${lines.join('\n')}\n};\nexport default styles;\n`;
    const target = join(root, '.cache/style-types', posix.relative('renderer', `${path}.d.ts`));
    if (existsSync(target) && readFileSync(target, 'utf8') === types) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, types);
  }
}

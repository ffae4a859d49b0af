import { builtinModules } from 'node:module';
import type { Message, PartialMessage } from 'esbuild';
import type { Problem } from '#shared/errors.ts';
import { readsFiles, shimmedModules } from './node-modules.ts';

const builtins = new Set(builtinModules);
const noLoader = /^No loader is configured for "(.*?)" files/;
const unresolved = /^Could not resolve "(.*)"/;

/** esbuild's messages as problems with their place and the remedy. */
export function toProblems(messages: readonly Message[], severity: Problem['severity']): Problem[] {
  return messages.map((message) => {
    const where = message.location;
    const text = explain(message);
    if (where === null) return { severity, message: text };
    return {
      severity,
      message: text,
      file: where.file,
      line: where.line,
      // esbuild counts bytes from 0, editors count UTF-16 units from 1.
      column: Buffer.from(where.lineText).subarray(0, where.column).toString().length + 1,
      lineText: where.lineText,
    };
  });
}

function explain(message: Message): string {
  const specifier = unresolved.exec(message.text)?.[1];
  if (specifier !== undefined) return explainUnexported(specifier, message) ?? explainUnresolved(specifier);
  const ending = noLoader.exec(message.text)?.[1];
  if (ending !== undefined) {
    return (
      `Files that end in "${ending}" cannot be imported: a function takes code, JSON, text (.txt, .md, .html, .css, .svg) ` +
      'and bytes (.bin).'
    );
  }
  const notes = message.notes.filter((note) => note.location === null && !note.text.includes('esbuild'));
  return [sentence(message.text), ...notes.map((note) => sentence(note.text))].join(' ');
}

/** The words for a package that is there and does not let its importer have this file; undefined for any other. */
function explainUnexported(specifier: string, { notes }: Message): string | undefined {
  const texts = notes.map(({ text }) => text);
  const name = packageName(specifier);
  if (texts.some((text) => /is not exported by package/.test(text))) {
    return `The package "${name}" does not export "${specifier}": its package.json says what it exports. Import one of those.`;
  }
  if (!texts.some((text) => /is not currently exported by package/.test(text))) return undefined;
  return `The package "${name}" has no build for this runtime: "${specifier}" is exported under other conditions only. Use another package, or a runtime with Node.js.`;
}

const packageName = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function explainUnresolved(specifier: string): string {
  const bare = specifier.replace(/^node:/, '');
  if (readsFiles(bare)) {
    return (
      `Cannot import "${specifier}": the guest is not Node.js, and the function has no files. Name a folder as "assets" under its runtime in firstlight.json ` +
      'to read it as /assets, import a file as text or bytes, or choose a runtime with Node.js.'
    );
  }
  if (specifier.startsWith('node:') || builtins.has(bare)) {
    return (
      `Cannot import "${specifier}": the guest is not Node.js. Of its modules it has those that need no system (${shimmedModules.join(', ')}), ` +
      'and no files, sockets or processes. Remove the import, use a package made for browsers or edge workers, or choose a runtime with Node.js.'
    );
  }
  if (/^\.{0,2}\//.test(specifier)) return `Cannot find "${specifier}": there is no such file. Check the path.`;
  const name = packageName(specifier);
  return `Cannot find the package "${name}". Install it in the project: npm install ${name}`;
}

/** The message for a project that imports by URL. */
export function explainUrlImport(url: string): PartialMessage {
  return {
    text: `Cannot import "${url}": a function is built without the network. Install the package with npm and import it by name.`,
  };
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

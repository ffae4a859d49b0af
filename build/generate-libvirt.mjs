// Turns packages/node-libvirt/protocol/*.protocol into src/protocol.gen.ts.
// `node build/generate-libvirt.mjs` writes the file; `--check` only reports whether it is up to date (exit 1 when not).
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageDir = join(dirname(fileURLToPath(import.meta.url)), '../packages/node-libvirt');
const descriptionPath = join(packageDir, 'protocol/libvirt-9.0.0.protocol');
const outputPath = join(packageDir, 'src/protocol.gen.ts');

const scalars = {
  i32: ['number', 'i32'],
  u32: ['number', 'u32'],
  i64: ['number', 'i64'],
  u64: ['number', 'u64'],
  f64: ['number', 'f64'],
  bool: ['boolean', 'bool'],
  string: ['string', 'string'],
  uuid: ['string', 'uuid'],
};

/** Splits `a b, c d(1), e` at its commas; the notation never nests them. */
const splitList = (text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

function parseType(text) {
  const params = /^params\((\d+)\)$/.exec(text);
  if (params) return { kind: 'params', max: Number(params[1]) };
  const list = /^(.+)\[(=?)(\d+)\]$/.exec(text);
  if (list) return { kind: list[2] ? 'fixed' : 'list', of: parseType(list[1]), max: Number(list[3]) };
  if (text.endsWith('?')) return { kind: 'optional', of: parseType(text.slice(0, -1)) };
  return text in scalars ? { kind: 'scalar', name: text } : { kind: 'struct', name: text };
}

function parseFields(text) {
  return splitList(text).map((part) => {
    const [name, type, ...rest] = part.split(/\s+/);
    if (!name || !type || rest.length > 0) throw new Error(`a field is "NAME TYPE", not "${part}"`);
    return { name, type: parseType(type) };
  });
}

/** Reads a description. Errors: throws with the line number of the first line it cannot read. */
export function parseDescription(text) {
  const out = { source: '', limits: [], programs: [], structs: [], calls: [], events: [], enums: [] };
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    try {
      parseLine(trimmed, out);
    } catch (error) {
      throw new Error(`line ${index + 1}: ${error.message}`);
    }
  }
  if (!out.source) throw new Error('no "source" line: the numbers must say which release they come from');
  return out;
}

function parseLine(line, out) {
  const program = out.programs.at(-1);
  const [keyword] = line.split(' ', 1);
  const rest = line.slice(keyword.length).trim();
  if (keyword === 'source') {
    out.source = rest;
  } else if (keyword === 'limit') {
    const [name, value] = rest.split(' ');
    out.limits.push({ name, value: Number(value) });
  } else if (keyword === 'program') {
    const [name, number, version] = rest.split(' ');
    out.programs.push({ name, number, version });
  } else if (keyword === 'struct') {
    const [name, fields] = splitOnce(rest, ':');
    out.structs.push({ name, fields: parseFields(fields) });
  } else if (keyword === 'call') {
    const [head, body] = splitOnce(rest, ':');
    const [number, name, stream] = head.split(' ');
    const [args, ret = ''] = body.split('->');
    out.calls.push({
      program,
      number,
      name,
      stream: stream === 'stream',
      args: parseFields(args),
      ret: parseFields(ret),
    });
  } else if (keyword === 'event') {
    const [head, body] = splitOnce(rest, ':');
    const [number, name] = head.split(' ');
    out.events.push({ program, number, name, fields: parseFields(body) });
  } else if (keyword === 'enum') {
    const [head, body] = splitOnce(rest, ':');
    const [name, cName] = head.split(' ');
    out.enums.push({ name, cName, items: splitList(body).map((item) => item.split('=')) });
  } else {
    throw new Error(`unknown keyword "${keyword}"`);
  }
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`"${mark}" is missing`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function tsType(type) {
  if (type.kind === 'params') return 'Params';
  if (type.kind === 'scalar') return scalars[type.name][0];
  if (type.kind === 'struct') return type.name;
  if (type.kind === 'optional') return `${tsType(type.of)} | null`;
  return `${tsType(type.of)}[]`;
}

function writeExpression(type, value) {
  if (type.kind === 'params') return `writeParams(w, ${value}, ${type.max})`;
  if (type.kind === 'scalar') return `w.${scalars[type.name][1]}(${value})`;
  if (type.kind === 'struct') return `write${type.name}(w, ${value})`;
  if (type.kind === 'optional') return `w.optional(${value}, (v) => ${writeExpression(type.of, 'v')})`;
  const method = type.kind === 'fixed' ? 'fixed' : 'list';
  return `w.${method}(${value}, ${type.max}, (v) => ${writeExpression(type.of, 'v')})`;
}

function readExpression(type) {
  if (type.kind === 'params') return `readParams(r, ${type.max})`;
  if (type.kind === 'scalar') return `r.${scalars[type.name][1]}()`;
  if (type.kind === 'struct') return `read${type.name}(r)`;
  if (type.kind === 'optional') return `r.optional(() => ${readExpression(type.of)})`;
  const method = type.kind === 'fixed' ? 'fixed' : 'list';
  return `r.${method}(${type.max}, () => ${readExpression(type.of)})`;
}

const fieldTypes = (fields) => fields.map((f) => `${f.name}: ${tsType(f.type)}`).join('; ');
const objectType = (fields) => (fields.length === 0 ? 'void' : `{ ${fieldTypes(fields)} }`);
const readObject = (fields) => `{ ${fields.map((f) => `${f.name}: ${readExpression(f.type)}`).join(', ')} }`;
const reader = (fields) => (fields.length === 0 ? '() => undefined' : `(r) => (${readObject(fields)})`);
const writer = (fields) =>
  fields.length === 0
    ? '() => undefined'
    : `(w, v) => {\n${fields.map((f) => `    ${writeExpression(f.type, `v.${f.name}`)};`).join('\n')}\n  }`;

/** Turns a parsed description into the text of protocol.gen.ts. */
export function generate(description, sourceFile) {
  const lines = [
    `// Generated by build/generate-libvirt.mjs from protocol/${sourceFile} (${description.source}). Do not edit.`,
    "import type { CallSpec, EventSpec } from './protocol-types.ts';",
    "import { type Params, readParams, writeParams } from './typed-params.ts';",
    "import type { XdrReader, XdrWriter } from './xdr.ts';",
    '',
    `export const protocolSource = '${description.source}';`,
    '',
    'export const limits = {',
    ...description.limits.map((l) => `  ${l.name}: ${l.value},`),
    '} as const;',
    '',
    'export const programs = {',
    ...description.programs.map((p) => `  ${p.name}: { number: ${p.number}, version: ${p.version} },`),
    '} as const;',
  ];
  for (const s of description.structs) {
    lines.push('', `export interface ${s.name} {`, ...s.fields.map((f) => `  ${f.name}: ${tsType(f.type)};`), '}', '');
    lines.push(`export function write${s.name}(w: XdrWriter, v: ${s.name}): void {`);
    lines.push(...s.fields.map((f) => `  ${writeExpression(f.type, `v.${f.name}`)};`), '}', '');
    lines.push(`export function read${s.name}(r: XdrReader): ${s.name} {`, `  return ${readObject(s.fields)};`, '}');
  }
  for (const c of description.calls) {
    lines.push(
      '',
      `export const ${c.name}: CallSpec<${objectType(c.args)}, ${objectType(c.ret)}> = {`,
      `  name: '${c.name}',`,
      `  program: ${c.program.number},`,
      `  version: ${c.program.version},`,
      `  number: ${c.number},`,
      `  stream: ${c.stream},`,
      `  writeArgs: ${writer(c.args)},`,
      `  readArgs: ${reader(c.args)},`,
      `  writeRet: ${writer(c.ret)},`,
      `  readRet: ${reader(c.ret)},`,
      '};',
    );
  }
  for (const e of description.events) {
    lines.push(
      '',
      `export const ${e.name}Event: EventSpec<${objectType(e.fields)}> = {`,
      `  name: '${e.name}',`,
      `  program: ${e.program.number},`,
      `  version: ${e.program.version},`,
      `  number: ${e.number},`,
      `  write: ${writer(e.fields)},`,
      `  read: ${reader(e.fields)},`,
      '};',
    );
  }
  lines.push('', '/** What each call takes and gives. */', 'export interface CallTypes {');
  for (const c of description.calls) {
    lines.push(`  ${c.name}: { args: ${objectType(c.args)}; ret: ${objectType(c.ret)}; stream: ${c.stream} };`);
  }
  lines.push('}');
  lines.push('', 'export const allCalls = [', ...description.calls.map((c) => `  ${c.name},`), '] as const;');
  lines.push('', 'export const allEvents = [', ...description.events.map((e) => `  ${e.name}Event,`), '] as const;');
  for (const e of description.enums) {
    lines.push('', `/** Values of libvirt's ${e.cName}. */`, `export const ${e.name} = {`);
    lines.push(...e.items.map(([key, value]) => `  ${key}: ${value},`), '} as const;');
  }
  return `${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generate(parseDescription(readFileSync(descriptionPath, 'utf8')), basename(descriptionPath));
  if (process.argv.includes('--check')) {
    if (readFileSync(outputPath, 'utf8') !== text) {
      console.error('src/protocol.gen.ts is out of date: run node build/generate-libvirt.mjs');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(outputPath, text);
  }
}

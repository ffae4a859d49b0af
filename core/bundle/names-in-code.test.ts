import { describe, expect, it } from 'vitest';
import { namesInCode } from './names-in-code.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are code.
const besides: [string, string[]][] = [
  ["readFileSync(path.join(path.dirname(new URL(import.meta.url).pathname), 'a', 'b.txt'))", ['a/b.txt']],
  ["readFileSync(join(dirname(import.meta.filename), 'a.txt'))", ['a.txt']],
  ["readFileSync(join(dirname(__filename), 'a.txt'))", ['a.txt']],
  ["readFileSync(new URL('.', import.meta.url).pathname + 'a.txt')", ['a.txt']],
  ["readFileSync(path.resolve(import.meta.dirname, 'a.txt'))", ['a.txt']],
  ["const here = path.dirname(fileURLToPath(import.meta.url));\nreadFileSync(join(here, 'a.txt'))", ['a.txt']],
  ["const root = path.join(__dirname, 'views');\nreadFileSync(join(root, name))", ['views']],
  ["readFileSync(path.join(__dirname, 'views', name))", ['views/']],
  ["readFileSync(path.join(__dirname, 'a', 'b', `${name}.txt`))", ['a/b/']],
  ['readFileSync(`${__dirname}/views/page-${name}.html`)', ['views/']],
  ['readFileSync(`${__dirname}/a.txt`)', ['a.txt']],
  ["readFileSync(__dirname + '/views/' + name)", ['views/']],
  ['readFileSync(new URL(`./views/${name}`, import.meta.url))', ['./views/']],
  ["readFileSync(new URL('./views/' + name, import.meta.url))", ['./views/']],
  ["createRequire(import.meta.url)('./data.json')", ['./data.json']],
  ["const need = createRequire(import.meta.url);\nneed('./data.json')", ['./data.json']],
];
const unclears = [
  "readFileSync(path.join(__dirname, 'a.txt')); readFileSync(path.join(__dirname, name))",
  "readFileSync(new URL('a.txt', import.meta.url)); readFileSync(new URL(name + '.txt', import.meta.url)); readFileSync(`${__dirname}/${name}`)",
  'readFileSync(new URL(`./${name}`, import.meta.url))',
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: they are code.

describe('the names of files in code', () => {
  it.each(besides)('%s', (code, names) => {
    expect(namesInCode(code)).toEqual({ beside: names, fromWorkingDir: [], required: [] });
  });

  it.each(unclears)('are missing: %s', (code) => {
    expect(namesInCode(code).unclearAt).toBeGreaterThanOrEqual(0);
  });

  it('stand below the working directory', () => {
    const code =
      "readFileSync('data/a.txt'); readFileSync('./b.txt'); readFile('/etc/hosts'); readFile('../c'); readdirSync('.');" +
      "readFileSync(path.join(process.cwd(), 'd', 'e.txt')); createReadStream(path.resolve('f.txt'));";
    expect(namesInCode(code)).toEqual({
      beside: [],
      fromWorkingDir: ['d/e.txt', 'data/a.txt', './b.txt', 'f.txt'],
      required: [],
    });
  });

  it('include packages that a created require is asked for', () => {
    const code =
      "const require = createRequire(import.meta.url); require('left-pad'); require('@acme/a/lib/b.js'); require('node:fs');";
    expect(namesInCode(code).required).toEqual(['left-pad', '@acme/a']);
    const places =
      "const need = createRequire(import.meta.url); need.resolve('left-pad/data.txt'); import.meta.resolve('@acme/a/b.js');";
    expect(namesInCode(places).required).toEqual(['left-pad', '@acme/a']);
    expect(namesInCode("require.resolve('left-pad/data.txt')").required).toEqual(['left-pad']);
  });
});

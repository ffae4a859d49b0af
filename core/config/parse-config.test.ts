import { describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { parseConfig } from './parse-config.ts';

/** Every problem as `line:column message`. */
const problems = (text: string) =>
  parseConfig(text, runtimes).problems.map(({ line, column, message }) => `${line}:${column} ${message}`);

describe('firstlight.json', () => {
  it('fills in defaults, and takes comments and trailing commas', () => {
    const { config, problems: none } = parseConfig('{\n  // who\n  "name": "hello",\n}', runtimes);
    expect(none).toEqual([]);
    expect(config).toEqual({
      name: 'hello',
      entry: 'handler.ts',
      runtime: 'ember',
      memoryMiB: 64,
      vcpus: 1,
      env: {},
      timeoutMs: 10_000,
      files: {},
      port: 8080,
      ports: [],
      volumes: {},
    });
  });

  it('gives a syntax error its line, its column and its line of text', () => {
    const { config, problems: found } = parseConfig('{\n  "name": "hello"\n  "entry": "a.ts"\n}', runtimes);
    expect(config).toBeNull();
    expect(found[0]).toEqual({
      severity: 'error',
      message: 'A comma is missing before this.',
      file: 'firstlight.json',
      line: 3,
      column: 3,
      lineText: '  "entry": "a.ts"',
    });
    expect(problems('{ "name": hello }')[0]).toBe('1:11 This is not a JSON value: text needs double quotes.');
    expect(problems('{ "name": "hello"')).toEqual(['1:18 A closing brace } is missing.']);
    expect(problems('')[0]).toMatch(/^1:1 /);
  });

  it('says what of the section of a deploy cannot be', () => {
    const deploy = (text: string) =>
      problems(`{ "name": "a", "deploy": ${text} }`).map((line) => line.replace(/^\S+ /, ''));
    expect(deploy('{ "profiles": { "staging": { "autoscale": { "max": 3 }, "target": "lab" } } }')).toEqual([]);
    expect(deploy('{ "replicas": 2, "autoscale": { "max": 3 } }')[0]).toMatch(
      /"deploy.autoscale" and "replicas" exclude/,
    );
    expect(deploy('{ "profiles": { "p": { "autoscale": { "min": 4, "max": 3 } } } }')[0]).toMatch(
      /"deploy.profiles.p.autoscale" has a "min" of 4 above its "max" of 3/,
    );
    expect(deploy('{ "secrets": { "TOKEN": "by value" } }')[0]).toMatch(/"deploy.secrets.TOKEN" must be an object/);
    expect(deploy('{ "replica": 2 }')[0]).toMatch(/replica/);
  });

  it('reads the name out of a file with errors', () => {
    expect(parseConfig('{ "name": "hello", "memoryMiB": ', runtimes).name).toBe('hello');
    expect(parseConfig('{ "name": "hello", "memoryMb": 3 }', runtimes).name).toBe('hello');
    expect(parseConfig('{ "name": "Not a name" }', runtimes).name).toBeNull();
    expect(parseConfig('', runtimes).name).toBeNull();
  });

  it('reports everything that is wrong at once, in order', () => {
    expect(
      problems(`{
  "name": "Hello World",
  "memoryMib": 64,
  "vcpus": "2",
  "timeoutMs": 0,
  "memoryMiB": 65537,
  "runtime": "osv",
  "entry": "",
  "env": { "1X": "a", "discovery.type": "a", "my-mode": "b", "OK": 3 }
}`),
    ).toEqual([
      '2:11 "name" must be lower-case letters, digits and dashes, at most 48 characters, not "Hello World".',
      '3:3 Unknown key "memoryMib". Did you mean "memoryMiB"?',
      '4:12 "vcpus" must be a number, not "2".',
      '5:16 "timeoutMs" must be at least 1, not 0.',
      '6:16 "memoryMiB" must be at most 65536, not 65537.',
      '7:14 "runtime" must be "ember", "nanos" or "kernel", not "osv".',
      '8:12 "entry" must be a text that is not empty, not "".',
      '9:12 "1X" is not an environment variable name.',
      '9:68 "env.OK" must be text in double quotes, not 3.',
    ]);
  });

  it('suggests the key that was meant, or names those there are', () => {
    expect(problems('{"name":"a","timeout":5}')[0]).toContain('Did you mean "timeoutMs"?');
    expect(problems('{"name":"a","memory":5}')[0]).toContain('Did you mean "memoryMiB"?');
    expect(problems('{"name":"a","Entry":"a.ts"}')[0]).toContain('Did you mean "entry"?');
    expect(problems('{"name":"a","color":"red"}')[0]).toContain(
      'Known are name, entry, runtime, convention, memoryMiB,',
    );
  });

  it('says in which section a key belongs that is in another', () => {
    expect(problems('{"name":"a","klibs":["ntp"]}')[0]).toContain('Unknown key "klibs". It belongs in "nanos".');
    expect(problems('{"name":"a","nanos":{"timeoutMs":80}}')[0]).toContain('It belongs outside "nanos".');
    expect(problems('{"name":"a","network":{}}')[0]).toContain('It belongs in "ember" or "nanos"');
  });

  it('knows the keys of each section, and where a default depends on the runtime', () => {
    expect(problems('{"name":"a","nanos":{"prt":80,"debug":{"stace":true}}}')).toEqual([
      '1:22 Unknown key "prt". Known are release, network, address, klibs, boot, debug, options.',
      '1:40 Unknown key "stace". Did you mean "strace"?',
    ]);
    expect(parseConfig('{"name":"a"}', runtimes).config?.memoryMiB).toBe(64);
    expect(parseConfig('{"name":"a","runtime":"nanos"}', runtimes).config?.memoryMiB).toBe(256);
  });

  it('says of a value that may be of several kinds which they are', () => {
    const option = (words: string) => problems(`{"name":"a","nanos":${words}}`)[0];
    expect(option('{"options":{"reboot_on_exit":5}}')).toBe(
      '1:50 "nanos.options.reboot_on_exit" must be true or false, or text in double quotes, not 5.',
    );
    expect(option('{"network":{"kind":"wifi"}}')).toBe(
      '1:40 "nanos.network.kind" must be "user", "network", "bridge" or "none", not "wifi".',
    );
    expect(option('{"klibs":"tls"}')).toBe('1:30 "nanos.klibs" must be a list, not "tls".');
  });

  it('says what is missing, and what is not an object at all', () => {
    expect(problems('{}')).toEqual(['1:1 "name" is missing: it must be text in double quotes.']);
    expect(problems('[1]')).toEqual(['1:1 The whole file must be an object, not an array.']);
    expect(problems('{"name":"a","vcpus":1.5}')).toEqual(['1:21 "vcpus" must be a whole number, not 1.5.']);
  });

  it('refuses a key given twice and an entry outside the project', () => {
    expect(problems('{"name":"a","name":"b"}')[0]).toMatch(/^1:13 "name" is there twice/);
    expect(problems('{"name":"a","entry":"../b.ts"}')).toEqual([
      '1:21 "entry" must lie inside the project, not "../b.ts".',
    ]);
    expect(parseConfig('{"name":"a","entry":"/etc/b.ts"}', runtimes).config).toBeNull();
  });

  it('reads the keys of a program in their former place, with a warning of the present one', () => {
    const old = parseConfig(
      '{"name":"a","runtime":"nanos","nanos":{"program":"b","ports":[{"guest":1}],"klibs":["ntp"]}}',
      runtimes,
    );
    const present = parseConfig(
      '{"name":"a","runtime":"nanos","program":"b","ports":[{"guest":1}],"nanos":{"klibs":["ntp"]}}',
      runtimes,
    );
    expect(old.config).toEqual(present.config);
    expect(present.problems).toEqual([]);
    expect(old.problems.map(({ severity, column, message }) => [severity, column, message])).toEqual([
      ['warning', 40, expect.stringContaining('"nanos.program" has moved: write "program" at the top level.')],
      ['warning', 54, expect.stringContaining('`firstlight migrate`')],
    ]);
    expect(problems('{"name":"a","runtime":"nanos","nanos":{"port":0}}')[0]).toBe(
      '1:40 "nanos.port" has moved: write "port" at the top level. `firstlight migrate` rewrites the file.',
    );
    expect(problems('{"name":"a","runtime":"nanos","nanos":{"port":0}}')[1]).toMatch(/^1:47 "nanos.port" must be/);
    expect(problems('{"name":"a","runtime":"nanos","port":1,"nanos":{"port":2}}')).toEqual([
      '1:49 "port" is at the top level too, which is its place. Remove it here.',
    ]);
  });

  it('refuses a program on a runtime that runs none, and warns of what it does not use', () => {
    const { config, problems: found } = parseConfig('{"name":"a","program":"b"}', runtimes);
    expect(config).toBeNull();
    expect(found).toMatchObject([
      {
        severity: 'error',
        column: 13,
        message: 'The runtime "ember" runs functions, not programs. Set "runtime" to "nanos", or remove "program".',
      },
    ]);
    const other = parseConfig('{"name":"a","files":{"/a":"b"}}', runtimes);
    expect(other.config).not.toBeNull();
    expect(other.problems).toMatchObject([
      { severity: 'warning', message: '"files" has no effect: the runtime "ember" does not use it.' },
    ]);
    // As ever: in its former place it had no effect on such a runtime.
    expect(parseConfig('{"name":"a","nanos":{"program":"b"}}', runtimes).config).not.toBeNull();
  });

  it('takes arguments for a function, within bounds', () => {
    const parse = (args: unknown) => parseConfig(JSON.stringify({ name: 'a', args }), runtimes);
    expect(parse(['--verbose', ''])).toMatchObject({ config: { args: ['--verbose', ''] }, problems: [] });
    for (const wrong of ['-v', [1], ['a\0b'], Array(1025).fill(''), ['x'.repeat(131_073)]]) {
      const { config, problems } = parse(wrong);
      expect(config).toBeNull();
      expect(problems[0]?.message).toContain('"args');
    }
  });

  it('warns of what looks like a secret, and still takes it', () => {
    const { config, problems: found } = parseConfig(
      '{"name":"a","env":{"API_TOKEN":"x","DB_PASSWORD":"y","MONKEY":"z"}}',
      runtimes,
    );
    expect(config?.env.API_TOKEN).toBe('x');
    expect(found.map((problem) => [problem.severity, problem.column])).toEqual([
      ['warning', 20],
      ['warning', 36],
    ]);
    expect(found[0]?.message).toMatch(/^"API_TOKEN" looks like a secret/);
  });

  it('counts columns right after a byte order mark and with Windows line ends', () => {
    const [first] = parseConfig('\uFEFF{\r\n  "name": 5\r\n}', runtimes).problems;
    expect(first).toMatchObject({ line: 2, column: 11, lineText: '  "name": 5' });
  });
});

describe('a file that nobody would write', () => {
  it('nested 5,000 deep is one problem, with its place', () => {
    const text = `{"name": "deep", "env": ${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`;
    const { config, problems } = parseConfig(text, runtimes);
    expect(config).toBeNull();
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain('nested more than 64 levels');
  });

  it('nested only inside a text or a comment is not deep', () => {
    expect(
      parseConfig(`{"name": "flat", /* ${'['.repeat(100)} */ "env": {"A": "${'{'.repeat(100)}"}}`, runtimes).config,
    ).not.toBeNull();
  });

  it('with as many unknown keys on one line as 1 MB has lists a hundred of them, and quotes little', () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `"unknown${index}": 1`);
    const { problems } = parseConfig(`{"name": "wide", ${keys.join(', ')}}`, runtimes);
    expect(problems.length).toBeLessThanOrEqual(101);
    expect(problems.some(({ message }) => message.includes('more wrong'))).toBe(true);
    expect(JSON.stringify(problems).length).toBeLessThan(100_000);
  });

  it('quotes a part of a key and of a value that are as long as the file', () => {
    const long = 'k'.repeat(900_000);
    const texts = [`{"${long}": 1}`, `{"name": "${long}"}`, `{"env": {"0${long}": ""}}`, `{"nanos": {"${long}": 1}}`];
    for (const text of texts) {
      expect(JSON.stringify(parseConfig(text, runtimes).problems).length).toBeLessThan(3_000);
    }
  });

  it('names the keys whose texts have a zero byte', () => {
    const text = '{"name": "zero", "entry": "a\\u0000.ts", "env": {"A": "\\u0000"}}';
    expect(parseConfig(text, runtimes)).toMatchObject({
      config: null,
      problems: [
        { line: 1, column: 27, message: expect.stringMatching(/^"entry" has a zero byte/) },
        { message: expect.stringMatching(/^"env.A" has a zero byte/) },
      ],
    });
    const many = `{"name": "zero", "env": {${Array.from({ length: 90 }, (_, at) => `"A${at}": "\\u0000"`).join()}}}`;
    expect(parseConfig(many, runtimes).problems).toHaveLength(20);
  });

  it('says that a number is too large to be read', () => {
    const { problems } = parseConfig(`{"name": "large", "memoryMiB": ${'9'.repeat(400)}}`, runtimes);
    expect(problems.map(({ message }) => message)).toEqual(['"memoryMiB" is too large a number.']);
  });
});

import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { migrateConfig } from './migrate-config.ts';
import { moveProgramKeys } from './model/moved-keys.ts';
import { configFileSchemaFor } from './model/project.ts';

const section = z.strictObject({ klibs: z.array(z.string()).optional(), boot: z.string().optional() });
const schema = configFileSchemaFor([{ id: 'nanos', options: { schema: section, groups: [], hadProgramKeys: true } }]);
const migrated = (text: string) => migrateConfig(text, ['nanos']).text;

describe('the migration of firstlight.json', () => {
  it('moves the keys of a program to the top level, with their comments', () => {
    const { text, moved } = migrateConfig(
      `{
  // The shop.
  "name": "shop",
  "runtime": "nanos",
  "nanos": {
    // Built by make.
    "program": "./server", // static
    "klibs": ["ntp"], // time
    /* What it reads,
       and where. */
    "files": {
      "/etc/hosts": "./hosts", // ours
      "/srv": "./www"
    },
    "port": null
  },
  "timeoutMs": 500
}
`,
      ['nanos'],
    );
    expect(text).toBe(`{
  // The shop.
  "name": "shop",
  "runtime": "nanos",
  // Built by make.
  "program": "./server", // static
  /* What it reads,
     and where. */
  "files": {
    "/etc/hosts": "./hosts", // ours
    "/srv": "./www"
  },
  "port": null,
  "nanos": {
    "klibs": ["ntp"] // time
  },
  "timeoutMs": 500
}
`);
    expect(moved).toEqual(['nanos.program', 'nanos.files', 'nanos.port']);
  });

  it('removes a section that holds nothing else, and adds no comma at the end of a file', () => {
    expect(migrated('{\n  "name": "a",\n  "nanos": {\n    "program": "b",\n    "port": 1\n  }\n}\n')).toBe(
      '{\n  "name": "a",\n  "program": "b",\n  "port": 1\n}\n',
    );
    expect(migrated('{\n  "name": "a",\n  "nanos": {\n    "port": 1,\n  },\n}\n')).toBe(
      '{\n  "name": "a",\n  "port": 1,\n}\n',
    );
  });

  it('keeps a section in which a comment is left', () => {
    expect(migrated('{\n  "nanos": {\n    "port": 1\n    // more to come\n  }\n}')).toBe(
      '{\n  "port": 1,\n  "nanos": {\n    // more to come\n  }\n}',
    );
  });

  it('keeps the comments around a section that goes', () => {
    expect(migrated('{\n  // A\n  "nanos": {\n    // B\n    "port": 1 // C\n  }, // D\n  "name": "a"\n}')).toBe(
      '{\n  // A\n  // B\n  "port": 1, // C\n  // D\n  "name": "a"\n}',
    );
  });

  it('means the same afterwards, and loses no comment, whatever the layout', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const some = <Value>(values: readonly Value[]) => values.filter(() => random(2) === 0);
    const space = () => ['', ' ', '\n', '\n    ', ' /* c, } */ ', ' // c, {\n'][random(6)] ?? '';
    const object = (entries: readonly string[]) =>
      `{${entries.map((entry) => `${space()}${entry}${space()}`).join(',')}${random(3) === 0 && entries.length > 0 ? ',' : ''}${space()}}`;
    for (let round = 0; round < 500; round++) {
      const ports = `"ports":${space()}[${space()}{ "guest": 1 }${space()}]`;
      const files = `"files":${object(some(['"/a": "b, c"', '"/d}": "e"']))}`;
      const section = object(some(['"program": "x"', '"klibs": []', ports, '"boot": "disk"', files, '"port": null']));
      const text = object(['"name": "a"', ...some([`"nanos":${space()}${section}`]), '"runtime": "nanos"']);
      const { text: after } = migrateConfig(text, ['nanos']);
      const read = (words: string) =>
        schema.parse(moveProgramKeys(parse(words, [], { allowTrailingComma: true }), ['nanos'], () => true));
      expect(read(after), `${text}\n${after}`).toEqual(read(text));
      expect(after.split('c,').length, `${text}\n${after}`).toBe(text.split('c,').length);
      expect(migrateConfig(after, ['nanos'])).toEqual({ text: after, moved: [] });
    }
  });

  it('keeps to one line what is on one line, and Windows line ends', () => {
    expect(migrated('{"name":"a","nanos":{"port":1,"klibs":[]}}')).toBe('{"name":"a","port":1,"nanos":{"klibs":[]}}');
    expect(migrated('{ "nanos": { "klibs": [], "port": 1 }, "name": "a" }')).toBe(
      '{ "port": 1, "nanos": { "klibs": [] }, "name": "a" }',
    );
    expect(migrated('\uFEFF{\r\n\t"nanos": {\r\n\t\t"ports": [\r\n\t\t\t{ "guest": 1 }\r\n\t\t]\r\n\t}\r\n}')).toBe(
      '\uFEFF{\r\n\t"ports": [\r\n\t\t{ "guest": 1 }\r\n\t]\r\n}',
    );
  });

  it('takes a comma in a comment for what it is', () => {
    expect(migrated('{\n  "nanos": {\n    "boot": "disk", // a, b\n    "port": 1 // c, d\n  }\n}')).toBe(
      '{\n  "port": 1, // c, d\n  "nanos": {\n    "boot": "disk" // a, b\n  }\n}',
    );
  });

  it('leaves alone what has nothing to move, or is not JSON', () => {
    for (const text of ['{"name":"a","nanos":{"klibs":[]}}', '{"port":1}', '{"nanos":5}', '{"nanos', '', '[]']) {
      expect(migrateConfig(text, ['nanos'])).toEqual({ text, moved: [] });
    }
  });

  it('refuses a key that is in both places', () => {
    expect(() => migrateConfig('{"port":1,"nanos":{"port":2}}', ['nanos'])).toThrow(
      expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining('"nanos.port"') }),
    );
  });

  it('does nothing the second time', () => {
    const once = migrated('{\n  "nanos": {\n    "program": "b",\n    "boot": "disk"\n  }\n}');
    expect(migrateConfig(once, ['nanos'])).toEqual({ text: once, moved: [] });
  });
});

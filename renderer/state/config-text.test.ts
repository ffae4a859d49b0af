import { expect, it } from 'vitest';
import { readConfig, setInConfig, valueAt } from './config-text.ts';

const text = `{
  // Who it is.
  "name": "hello",
  "nanos": {
    "klibs": ["ntp"], // the clock
    "options": { "trace": true },
  },
}
`;

it('reads a file with comments and trailing commas, and says nothing of one that is not JSON', () => {
  expect(readConfig(text)).toEqual({ name: 'hello', nanos: { klibs: ['ntp'], options: { trace: true } } });
  expect(readConfig('{ "name": ')).toBeNull();
  expect(readConfig('[1]')).toBeNull();
  expect(valueAt({ a: [{ b: 1 }] }, ['a', 0, 'b'])).toBe(1);
  expect(valueAt({ a: 1 }, ['a', 'b'])).toBeUndefined();
});

it('sets a value and keeps everything around it', () => {
  const next = setInConfig(text, ['runtime'], 'nanos');
  expect(next).toContain('// Who it is.');
  expect(next).toContain('"klibs": ["ntp"], // the clock');
  expect(next).toContain('  "runtime": "nanos"');
  expect(readConfig(next)).toMatchObject({ name: 'hello', runtime: 'nanos' });
});

it('leaves the text as it is when the value is there already', () => {
  expect(setInConfig(text, ['name'], 'hello')).toBe(text);
  expect(setInConfig(text, ['nanos', 'port'], undefined)).toBe(text);
});

it('makes sections on the way, and takes empty ones out with their last value', () => {
  const made = setInConfig('{\n  "name": "a"\n}\n', ['nanos', 'debug', 'trace'], true);
  expect(readConfig(made)).toEqual({ name: 'a', nanos: { debug: { trace: true } } });
  expect(readConfig(setInConfig(made, ['nanos', 'debug', 'trace'], undefined))).toEqual({ name: 'a' });
  expect(readConfig(setInConfig(text, ['nanos', 'options', 'trace'], undefined))).toEqual({
    name: 'hello',
    nanos: { klibs: ['ntp'] },
  });
});

it('appends to a list and takes out of it', () => {
  const longer = setInConfig(text, ['nanos', 'klibs', 1], 'tls');
  expect(valueAt(readConfig(longer) ?? {}, ['nanos', 'klibs'])).toEqual(['ntp', 'tls']);
  expect(longer).toContain('// the clock');
  const shorter = setInConfig(longer, ['nanos', 'klibs', 0], undefined);
  expect(valueAt(readConfig(shorter) ?? {}, ['nanos', 'klibs'])).toEqual(['tls']);
});

it('writes as the file is written: tabs, four blanks, Windows line ends', () => {
  expect(setInConfig('{\n\t"name": "a"\n}', ['vcpus'], 2)).toBe('{\n\t"name": "a",\n\t"vcpus": 2\n}');
  expect(setInConfig('{\r\n    "name": "a"\r\n}', ['vcpus'], 2)).toBe('{\r\n    "name": "a",\r\n    "vcpus": 2\r\n}');
});

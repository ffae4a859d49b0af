import { describe, expect, it } from 'vitest';
import { formatReference, parseReference } from './reference.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const parse = (text: string) => parseReference(text, '/work');

describe('a reference to an image', () => {
  it('names a layout or an archive by its path', () => {
    expect(parse('oci:image')).toEqual({ kind: 'layout', path: '/work/image', tag: null });
    expect(parse('oci:/a/b:v1')).toEqual({ kind: 'layout', path: '/a/b', tag: 'v1' });
    expect(parse('oci-archive:x.tar:team/app:v1')).toEqual({
      kind: 'archive',
      path: '/work/x.tar',
      tag: 'team/app:v1',
    });
    expect(parse(`oci:a@${digest}`)).toEqual({ kind: 'layout', path: '/work/a', tag: digest });
    expect(parse('docker-archive:x.tar')).toEqual({ kind: 'docker-archive', path: '/work/x.tar', tag: null });
  });

  it('names what is in a registry', () => {
    const app = { kind: 'registry', host: 'registry.example:5000', name: 'team/app' };
    expect(parse('docker://registry.example:5000/team/app')).toEqual({ ...app, reference: 'latest' });
    expect(parse('registry.example:5000/team/app:1.2')).toEqual({ ...app, reference: '1.2' });
    expect(parse(`registry.example:5000/team/app:1.2@${digest}`)).toEqual({ ...app, reference: digest });
    expect(parse('localhost/a_b--c').kind).toBe('registry');
  });

  it.each([
    '',
    'app',
    'team/app:v1',
    'docker://app',
    'registry.example/',
    'registry.example/App',
    'registry.example/../x',
    'registry.example/a//b',
    'registry.example/a:',
    'registry.example/a:b c',
    'registry.example/a@sha256:123',
    'user@registry.example/a',
    'oci:',
    'oci:a:b c',
    'https://registry.example/a',
  ])('is refused when it is none: %s', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ reason: 'reference-invalid' }));
  });

  it('can be given again as it is written', () => {
    for (const text of [
      'oci:/a/b:v1',
      'docker-archive:/x.tar',
      'docker://localhost:5000/a:b',
      `docker://h.example/a@${digest}`,
    ]) {
      expect(formatReference(parse(text))).toBe(text);
    }
    expect(formatReference(parse('docker://h.example/a:v1'), digest)).toBe(`docker://h.example/a:v1@${digest}`);
  });
});

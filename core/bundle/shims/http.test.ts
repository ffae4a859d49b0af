import { describe, expect, it } from 'vitest';
import { Headers, Request, Response } from './http.ts';

describe('Headers', () => {
  it('find names in any case, join values, and keep cookies apart', () => {
    const headers = new Headers([
      ['X-B', ' 1 '],
      ['x-b', '2'],
      ['Set-Cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    headers.set('A', '0');
    expect(headers.get('x-B')).toBe('1, 2');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect([...headers].map(([name]) => name)).toEqual(['a', 'set-cookie', 'set-cookie', 'x-b']);
    expect([...new Headers(headers)]).toEqual([...headers]);
    headers.delete('X-b');
    expect(headers.has('x-b')).toBe(false);
    expect(new Headers({ a: 'b' }).get('A')).toBe('b');
  });

  it('refuse what cannot be sent', () => {
    expect(() => new Headers({ 'a b': '1' })).toThrow('"a b" is not a header\'s name');
    expect(() => new Headers({ a: '1\r\nb: 2' })).toThrow(TypeError);
    expect(() => new Headers({ a: '€' })).toThrow('that headers cannot carry');
  });
});

describe('Response', () => {
  it('has a type by its body, unless it is given one', async () => {
    expect(new Response('a').headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect(new Response(new URLSearchParams({ a: 'b c' })).headers.get('content-type')).toContain('form-urlencoded');
    expect(await new Response(new URLSearchParams({ a: 'b c' })).text()).toBe('a=b+c');
    expect(new Response(new Uint8Array(2)).headers.has('content-type')).toBe(false);
    const json = Response.json({ a: 1 }, { status: 201, headers: { 'content-type': 'application/problem+json' } });
    expect(json.headers.get('content-type')).toBe('application/problem+json');
    expect(json).toMatchObject({ status: 201, ok: true, bodyUsed: false });
    expect(await json.json()).toEqual({ a: 1 });
  });

  it('gives its body once, and a copy of what it was made of', async () => {
    const bytes = new Uint8Array([104, 105, 33]);
    const response = new Response(bytes.subarray(0, 2));
    bytes[0] = 0;
    const copy = response.clone();
    expect(await response.text()).toBe('hi');
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow('read already');
    expect(() => response.clone()).toThrow('read already');
    expect(new Uint8Array(await copy.arrayBuffer())).toEqual(new Uint8Array([104, 105]));
    expect(await new Response(null).text()).toBe('');
  });

  it('refuses a status that no answer has, and a body where there is none', () => {
    for (const status of [99, 600, 200.5, Number.NaN]) expect(() => new Response('', { status })).toThrow(RangeError);
    expect(() => new Response('a', { status: 204 })).toThrow('has no body');
    expect(() => Response.redirect('/a', 200)).toThrow(RangeError);
    expect(Response.redirect('/a').headers.get('location')).toBe('/a');
  });
});

describe('Request', () => {
  it('has a whole address, a method in capitals, and a body', async () => {
    const request = new Request(new URL('/a?b=c', 'http://localhost'), { method: 'post', body: '{"a":1}' });
    expect(request).toMatchObject({ url: 'http://localhost/a?b=c', method: 'POST' });
    const other = new Request(request.clone(), { headers: { x: 'y' } });
    expect(other.headers.get('x')).toBe('y');
    expect(await other.json()).toEqual({ a: 1 });
    expect(() => new Request('/a')).toThrow(TypeError);
    expect(() => new Request('http://a', { body: 'b' })).toThrow('A GET request has no body');
  });
});

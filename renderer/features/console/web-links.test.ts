import { expect, it } from 'vitest';
import { findAddresses } from './web-links.ts';

it.each([
  ['listening on http://127.0.0.1:8080/.', ['http://127.0.0.1:8080/']],
  ['see (https://example.org/a?b=c#d), and http://x', ['https://example.org/a?b=c#d', 'http://x']],
  ['javascript:alert(1) file:///etc/passwd', []],
  ['no address here', []],
])('finds the addresses of %j', (line, urls) => {
  expect(findAddresses(line).map(({ url }) => url)).toEqual(urls);
  for (const { start, end, url } of findAddresses(line)) expect(line.slice(start, end)).toBe(url);
});

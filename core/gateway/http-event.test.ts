import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { bytes } from '#shared/model/units.ts';
import { sendResponse } from './http-event.ts';

const server = createServer((_, response) =>
  sendResponse(
    response,
    {
      status: 200,
      headers: { 'set-cookie': 'a=1; Path=/\nb=2', 'x-a': 'c', connection: 'upgrade' },
      body: { kind: 'text', value: '' },
      bytes: bytes(0),
    },
    { 'x-more': 'd' },
  ),
);
afterEach(() => void server.close());

it('sends each cookie in a line of its own', async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
  expect([headers.get('x-a'), headers.get('x-more'), headers.get('connection')]).toEqual(['c', 'd', 'keep-alive']);
});

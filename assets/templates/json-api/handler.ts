import type { HttpEvent, Response } from 'firstlight';

interface Item {
  readonly id: string;
  readonly name: string;
  readonly cents: number;
}

// Lives as long as the instance does; the next cold start begins with these two again.
const items = new Map<string, Item>([
  ['1', { id: '1', name: 'Lantern', cents: 2400 }],
  ['2', { id: '2', name: 'Matches', cents: 150 }],
]);

export default function handler({ method, path, body }: HttpEvent): Response {
  const id = /^\/items\/([^/]+)$/.exec(path)?.[1];
  if (path === '/' || path === '/items') {
    return method === 'POST'
      ? create(body)
      : { body: { currency: process.env.CURRENCY ?? 'EUR', items: [...items.values()] } };
  }
  const item = id === undefined ? undefined : items.get(id);
  if (item === undefined) return problem(404, `There is nothing at ${path}.`);
  if (method === 'DELETE') {
    items.delete(item.id);
    return { status: 204, body: null };
  }
  return method === 'GET' ? { body: { ...item } } : problem(405, `${method} is not for items.`);
}

function create(body: unknown): Response {
  if (typeof body !== 'object' || body === null || !('name' in body) || !('cents' in body)) {
    return problem(422, 'An item needs a name and its price in cents.');
  }
  if (typeof body.name !== 'string' || typeof body.cents !== 'number' || !Number.isInteger(body.cents)) {
    return problem(422, 'The name must be text, the price a whole number of cents.');
  }
  const item: Item = { id: crypto.randomUUID(), name: body.name, cents: body.cents };
  items.set(item.id, item);
  return { status: 201, headers: { location: `/items/${item.id}` }, body: { ...item } };
}

function problem(status: number, title: string): Response {
  return { status, headers: { 'content-type': 'application/problem+json' }, body: { status, title } };
}

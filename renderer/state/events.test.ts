import { expect, it } from 'vitest';
import { eventTemplates, firstEvent, initialEvent } from './events.ts';

it('begins with a request for a handler that takes requests, else with a name', () => {
  const request = JSON.parse(firstEvent("import type { HttpEvent } from 'firstlight';"));
  expect(request).toMatchObject({ method: 'GET', path: '/' });
  expect(firstEvent("import type { Event } from 'firstlight';")).toBe(initialEvent);
});

it('has templates that are JSON', () => {
  for (const template of eventTemplates) expect(() => JSON.parse(template.text)).not.toThrow();
});

import { defaultEvent } from '#shared/contract/instances.ts';
import type { Json } from '#shared/model/json.ts';
import type { SavedState } from './saved.ts';

/** The default event of a function. */
export const initialEvent = '{\n  "name": "Ada"\n}';

const request = (method: string, path: string, change: Record<string, Json>): string =>
  JSON.stringify({ ...defaultEvent, method, path, ...change }, null, 2);

/** Events to start from. */
export const eventTemplates: readonly { readonly id: string; readonly title: string; readonly text: string }[] = [
  { id: 'name', title: 'A name', text: initialEvent },
  { id: 'empty', title: 'Empty object', text: '{}' },
  { id: 'get', title: 'HTTP GET', text: request('GET', '/', { query: { name: 'Ada' } }) },
  {
    id: 'post',
    title: 'HTTP POST with JSON',
    text: request('POST', '/', { headers: { 'content-type': 'application/json' }, body: { name: 'Ada' } }),
  },
  { id: 'null', title: 'null', text: 'null' },
];

/** The event to begin with, for a handler: an HTTP request when it declares that it takes one. */
export const firstEvent = (handlerSource: string): string =>
  /\bHttpEvent\b/.test(handlerSource) ? request('GET', '/', { query: { name: 'Ada' } }) : initialEvent;

/** The event of a project as currently typed. */
export const eventText = (saved: SavedState, projectId: string): string => saved.events[projectId] ?? initialEvent;

import type { Event, Response } from 'firstlight';
import places from './places.json';
import { renderPage } from './render.ts';
import style from './style.txt';

export default function handler(event: Event): Response {
  const wanted = event.query?.place?.toLowerCase();
  const shown = wanted === undefined ? places : places.filter(({ name }) => name.toLowerCase().includes(wanted));
  return {
    status: shown.length > 0 ? 200 : 404,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: renderPage(shown, style),
  };
}

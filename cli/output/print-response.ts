import { STATUS_CODES } from 'node:http';
import { formatBytes } from '#shared/format.ts';
import type { Response } from '#shared/model/run.ts';
import type { Style } from './style.ts';

/** A response as text for a person: a line of facts, then the body. */
export function renderResponse(response: Response, style: Style): string {
  const { status, headers, bytes } = response;
  const line = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
  const facts = [headers['content-type'], formatBytes(bytes)].filter(Boolean).join('  ');
  const painted = status < 400 ? style.green(line) : style.red(line);
  return `${painted}  ${style.dim(style.foreign(facts))}\n${style.foreign(renderBody(response))}\n`;
}

function renderBody({ body, bytes }: Response): string {
  if (body.kind === 'json') return JSON.stringify(body.value, null, 2);
  if (body.kind === 'text') return body.value;
  return `${formatBytes(bytes)} of bytes; --json prints them in base64`;
}

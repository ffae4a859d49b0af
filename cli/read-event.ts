import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Json } from '#shared/model/json.ts';
import { badInput } from './failures.ts';
import type { Io } from './io.ts';

/**
 * The event that `--event` names: JSON as typed, a file that holds it, or `-` for standard input.
 *
 * Errors: BAD_INPUT with the place where the JSON breaks.
 */
export async function readEvent(io: Io, option: string): Promise<Json> {
  if (option === '-') return parse(await readAll(io), 'standard input');
  if (/^\s*[[{"]/.test(option)) return parse(option, '--event');
  const path = resolve(io.cwd, option);
  if (existsSync(path)) return parse(await readFile(path, 'utf8'), option);
  try {
    return JSON.parse(option) as Json;
  } catch {
    throw badInput(
      `--event ${option}: there is no such file, and it is not JSON.`,
      `Give a file, JSON in quotes ('{"name":"Ada"}'), or - for standard input.`,
    );
  }
}

async function readAll(io: Io): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw badInput(`${what} is not JSON: ${(error as Error).message}`);
  }
}

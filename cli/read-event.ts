import { constants, createReadStream, openSync, type Stats, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { formatBytes } from '#shared/format.ts';
import type { Json } from '#shared/model/json.ts';
import { badInput } from './failures.ts';
import type { Io } from './io.ts';

/** No guest accepts more, so nothing longer is read: `/dev/zero` has no end. */
const maxEventBytes = 16 * 1024 * 1024;
const usage = `Give a file, JSON in quotes ('{"name":"Ada"}'), or - for standard input.`;

/**
 * The event that `--event` names: JSON as typed, a file that has it, or `-` for standard input. `signal` ends the wait for a
 * pipe that nobody writes to.
 *
 * Errors: BAD_INPUT with the place where the JSON breaks.
 */
export async function readEvent(io: Io, option: string, signal: AbortSignal): Promise<Json> {
  if (option.includes('\0')) throw badInput('--event has a zero byte in it.', usage);
  if (option === '-') return parse(await readAll(addAbortSignal(signal, io.stdin), 'standard input'), 'standard input');
  if (option.trim() === '') throw badInput('--event is empty.', usage);
  if (/^\s*[[{"]/.test(option)) return parse(option, '--event');
  const path = resolve(io.cwd, option);
  const found = lookAt(path);
  if (found instanceof Error) return parseTyped(option, found.message);
  if (found === undefined) return parseTyped(option, 'there is no such file');
  if (found.isDirectory()) throw badInput(`--event ${option} is a folder, not a file.`, usage);
  return parse(await readAll(addAbortSignal(signal, openSource(path, found, option)), option), option);
}

/** What is at a path; an error where the system refuses the path: a name too long, say, which JSON typed may be. */
function lookAt(path: string): Stats | Error | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return error as Error;
  }
}

/** JSON as typed. `why` says why it is no file. */
function parseTyped(option: string, why: string): Json {
  try {
    return JSON.parse(option) as Json;
  } catch {
    throw badInput(`--event ${shorten(option)}: ${shorten(why)}, and it is not JSON.`, usage);
  }
}

const shorten = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** A pipe is opened without waiting for a writer: a thread that waits there would keep the process from ending. */
function openSource(path: string, found: Stats, option: string): Readable {
  if (!found.isFIFO()) return createReadStream(path);
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return new Socket({ fd, readable: true, writable: false });
  } catch (error) {
    throw badInput(`${option} cannot be read: ${(error as Error).message}`);
  }
}

async function readAll(source: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      const part = Buffer.from(chunk as Buffer);
      chunks.push(part);
      bytes += part.length;
      if (bytes > maxEventBytes) break;
    }
  } catch (error) {
    throw badInput(`${what} cannot be read: ${(error as Error).message}`);
  }
  if (bytes > maxEventBytes) {
    throw badInput(
      `The event in ${what} takes more than ${formatBytes(maxEventBytes)}, which a guest does not accept.`,
      'Send a smaller event.',
    );
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, what: string): Json {
  // Windows editors begin a file with a byte order mark, which is not a part of its JSON.
  const json = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(json) as Json;
  } catch (error) {
    if (json.trim() === '') throw badInput(`${what} is empty; an event is JSON.`, usage);
    const { message } = error as Error;
    const at = /position (\d+)/.exec(message)?.[1];
    const place = at === undefined ? '' : ` (${placeAt(json, Number(at))})`;
    throw badInput(`${what} is not JSON${place}: ${message}`, usage);
  }
}

function placeAt(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

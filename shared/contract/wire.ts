import { z } from 'zod';
import type { WireError } from '../errors.ts';
import { wireErrorSchema } from '../model/run.ts';
import type { Progress } from './define.ts';

/** Pause a stream at this many unacknowledged bytes (VS Code's terminal limit: deep enough for 60 fps at 5 MB/s). */
export const pauseAtBytes = 100_000;
/** Resume it under this many. */
export const resumeUnderBytes = 5_000;

/** A message of a client. Shape: `id` is the client's own number, unique within its session. */
export type ClientMessage =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly input: unknown }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'open'; readonly id: number; readonly name: string; readonly input: unknown }
  | { readonly type: 'data'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'ack'; readonly id: number; readonly count: number }
  | { readonly type: 'close'; readonly id: number };

/** A message of the engine. */
export type EngineMessage =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly type: 'event'; readonly name: string; readonly payload: unknown }
  | { readonly type: 'data'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly id: number; readonly error: WireError | null };

/** One side's connection to the other: whole messages, in order. */
export interface Port<Out, In> {
  readonly send: (message: Out) => void;
  readonly onMessage: (listener: (message: In) => void) => void;
  readonly onClose: (listener: () => void) => void;
  readonly close: () => void;
}
export type ClientPort = Port<ClientMessage, EngineMessage>;
export interface EnginePort extends Port<EngineMessage, ClientMessage> {
  /** Resolves when all that was sent has left this process, or the port has closed. Absent where nothing tells. */
  readonly flushed?: () => Promise<void>;
}

/** Longer than any name in the contract. */
export const maxNameLength = 100;

const id = z.number().int().nonnegative();
const data = z.strictObject({ type: z.literal('data'), id, bytes: z.instanceof(Uint8Array) });

/** Validates a message from a client, before it is acted on. */
export const clientMessageSchema: z.ZodType<ClientMessage> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('call'), id, name: z.string().max(maxNameLength), input: z.unknown() }),
  z.strictObject({ type: z.literal('cancel'), id }),
  z.strictObject({ type: z.literal('open'), id, name: z.string().max(maxNameLength), input: z.unknown() }),
  data,
  z.strictObject({ type: z.literal('ack'), id, count: z.number().int().nonnegative() }),
  z.strictObject({ type: z.literal('close'), id }),
]);

/** Validates a message from the engine's side. */
export const engineMessageSchema: z.ZodType<EngineMessage> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('result'), id, value: z.unknown() }),
  z.strictObject({ type: z.literal('error'), id, error: wireErrorSchema }),
  z.strictObject({
    type: z.literal('progress'),
    id,
    progress: z.object({ step: z.string(), message: z.string(), fraction: z.number().optional() }),
  }),
  z.strictObject({ type: z.literal('event'), name: z.string(), payload: z.unknown() }),
  data,
  z.strictObject({ type: z.literal('end'), id, error: wireErrorSchema.nullable() }),
]);

import type { CallInput } from '#shared/contract/index.ts';
import type { GatewayWish } from '../../state/gateway.ts';

/** A number of the wish, within what the engine accepts. Units: those of the field. */
export interface WishField {
  readonly key: 'port' | 'concurrency' | 'queue' | 'idle' | 'deadline';
  readonly label: string;
  readonly note: string;
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

export const wishFields: readonly WishField[] = [
  {
    ...{ key: 'port', label: 'Port', note: 'Left empty: any free one.' },
    ...{ min: 0, max: 65_535, isWhole: true },
  },
  {
    ...{ key: 'concurrency', label: 'Instances', note: 'The most of one function.' },
    ...{ min: 1, max: 64, isWhole: true },
  },
  {
    ...{ key: 'queue', label: 'Queue', note: 'Of a function; one more gets 429.' },
    ...{ min: 0, max: 10_000, isWhole: true },
  },
  {
    ...{ key: 'idle', label: 'Idle, s', note: 'Then an unused instance ends.' },
    ...{ min: 0, max: 86_400, isWhole: false },
  },
  {
    ...{ key: 'deadline', label: 'Deadline, s', note: 'With the cold start; then it is 504.' },
    ...{ min: 0.001, max: 900, isWhole: false },
  },
];

/** What a field takes, for a person who typed something else. */
export const describeRange = ({ min, max, isWhole }: WishField): string =>
  `${isWhole ? 'A whole number' : 'A number'} from ${min} to ${max.toLocaleString('en')}.`;

/** Whether a field can be sent as it is typed. Only the port may be empty. */
export function isFieldValid({ key, min, max, isWhole }: WishField, text: string): boolean {
  const typed = text.trim();
  if (typed === '') return key === 'port';
  const value = Number(typed);
  return /^\d+(\.\d+)?$/.test(typed) && value >= min && value <= max && (!isWhole || Number.isInteger(value));
}

/** What is sent for a wish; null while a field is not valid. */
export function readWish(wish: GatewayWish): CallInput<'gateway:start'> | null {
  if (!wishFields.every((field) => isFieldValid(field, wish[field.key]))) return null;
  return {
    startMode: wish.startMode,
    port: Number(wish.port),
    concurrency: Number(wish.concurrency),
    queue: Number(wish.queue),
    idleMs: Math.round(Number(wish.idle) * 1000),
    deadlineMs: Math.round(Number(wish.deadline) * 1000),
    ...(wish.host !== '' && { host: wish.host }),
  };
}

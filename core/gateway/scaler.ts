/** The instances of one function: from zero by request, and back to zero when idle. Knows no HTTP and no machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FirstlightError } from '#shared/errors.ts';
import type { GatewayLimits } from '#shared/model/gateway.ts';
import type { Json } from '#shared/model/json.ts';
import type { Response } from '#shared/model/run.ts';
import type { InstanceId, RunId } from '#shared/model/units.ts';

/** An instance that serves one request at a time. */
export interface Served {
  readonly id: InstanceId;
  /** Two instances of the same image are alike. */
  readonly imageId: string;
  /** False once it has ended, or a person has paused or stopped it. */
  readonly isReady: () => boolean;
  /** Errors: those of the function; CANCELLED. */
  readonly invoke: (event: Json, signal: AbortSignal) => Promise<Response>;
  /** Settles when its machine is gone. */
  readonly gone: Promise<void>;
  readonly stop: () => void;
}

/** A started instance with the answer to its first request. */
export interface Started {
  readonly instance: Served | null;
  readonly answer: Response | FirstlightError;
  readonly runId: RunId;
}

export interface ScalerOptions {
  readonly limits: Pick<GatewayLimits, 'concurrency' | 'queue' | 'idleMs'>;
  /** Starts an instance, which serves this event first. Errors: of a start that has no run; CANCELLED. */
  readonly start: (event: Json, signal: AbortSignal) => Promise<Started>;
  readonly onChange: () => void;
}

/** A request that was served. */
export interface Handled {
  readonly answer: Response | FirstlightError;
  readonly runId: RunId | null;
  readonly waitedMs: number;
}

export interface RequestSignals {
  /** Aborts when the answer would be too late. */
  readonly deadline: AbortSignal;
  /** Aborts when nobody waits for the answer any more: a request that has begun is finished all the same. */
  readonly left: AbortSignal;
}

export interface Scaler {
  /** Errors: TOO_MANY_CALLS when the queue is full; CANCELLED; CONFLICT when it is closing; those of a start. */
  readonly handle: (event: Json, signals: RequestSignals) => Promise<Handled>;
  /** Replaces all instances, as after an edit: idle ones now, others when they have served. */
  readonly retire: () => void;
  readonly counts: () => {
    readonly instances: number;
    readonly instanceIds: InstanceId[];
    readonly busy: number;
    readonly waiting: number;
  };
  /** Refuses what waits, lets requests under way finish within `drainMs`, and ends all instances. */
  readonly close: (drainMs: number) => Promise<void>;
}

/** A place for one request: an instance, or the permission to start one. */
interface Place {
  readonly instance: Served | null;
  readonly generation: number;
}

interface Waiter {
  readonly take: (place: Place) => void;
  readonly refuse: (error: FirstlightError) => void;
}

/** A machine that is not gone after this time is left to the engine, which reports it. */
const endMs = 5_000;

/** A scaler with no instance yet. */
export function createScaler({ limits, start, onChange }: ScalerOptions): Scaler {
  /** Free instances, the one that was used last at the end: the others become idle. */
  const free: { readonly place: Place; readonly timer: NodeJS.Timeout }[] = [];
  const waiting: Waiter[] = [];
  const instances = new Set<Served>();
  const busy = new Set<Promise<unknown>>();
  const closing = new AbortController();
  /** Instances, and starts under way. */
  let places = 0;
  let generation = 0;

  function takeFree(): Place | null {
    for (let found = free.pop(); found !== undefined; found = free.pop()) {
      clearTimeout(found.timer);
      if (found.place.instance?.isReady()) return found.place;
      places--;
    }
    return null;
  }

  function acquire({ deadline, left }: RequestSignals): Place | Promise<Place> {
    if (closing.signal.aborted) throw closed();
    const place = takeFree();
    if (place !== null) return place;
    if (places < limits.concurrency) return newPlace();
    if (waiting.length >= limits.queue) {
      throw new FirstlightError('TOO_MANY_CALLS', `${waiting.length} requests wait for this function already.`, {
        hint: `It has ${places} of ${limits.concurrency} instances. Try again later, or raise --concurrency or --queue.`,
      });
    }
    return new Promise<Place>((resolve, reject) => {
      const signal = AbortSignal.any([deadline, left]);
      const forget = () => {
        const at = waiting.indexOf(waiter);
        if (at >= 0) waiting.splice(at, 1);
        signal.removeEventListener('abort', giveUp);
      };
      const giveUp = () => waiter.refuse(cancelled());
      const waiter: Waiter = {
        take: (given) => {
          forget();
          resolve(given);
        },
        refuse: (error) => {
          forget();
          reject(error);
        },
      };
      waiting.push(waiter);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  }

  function newPlace(): Place {
    places++;
    return { instance: null, generation };
  }

  function release(place: Place): void {
    const { instance } = place;
    const isKept = instance?.isReady() && place.generation === generation && !closing.signal.aborted;
    const next = waiting[0];
    if (isKept && next !== undefined) next.take(place);
    else if (isKept) free.push({ place, timer: setTimeout(() => drop(place), limits.idleMs).unref() });
    else {
      if (instance?.isReady()) instance.stop();
      places--;
      if (next !== undefined && places < limits.concurrency) next.take(newPlace());
    }
  }

  function drop(place: Place): void {
    const at = free.findIndex((entry) => entry.place === place);
    if (at < 0) return;
    clearTimeout(free[at]?.timer);
    free.splice(at, 1);
    places--;
    place.instance?.stop();
    onChange();
  }

  function retire(): void {
    generation++;
    for (const { place } of [...free]) drop(place);
  }

  function watch(instance: Served, place: Place): void {
    // An older image is of the sources before an edit that was not noticed.
    if ([...instances].some(({ imageId }) => imageId !== instance.imageId)) {
      for (const entry of [...free]) if (entry.place.instance?.imageId !== instance.imageId) drop(entry.place);
    }
    instances.add(instance);
    void instance.gone.then(() => {
      instances.delete(instance);
      drop(place);
    });
  }

  async function serve(event: Json, place: Place, signal: AbortSignal): Promise<Omit<Handled, 'waitedMs'>> {
    if (place.instance !== null) {
      try {
        return { answer: await place.instance.invoke(event, signal), runId: null };
      } finally {
        release(place);
      }
    }
    let started: Place = place;
    try {
      const { instance, answer, runId } = await start(event, signal);
      started = { ...place, instance };
      if (instance !== null) watch(instance, started);
      return { answer, runId };
    } finally {
      release(started);
    }
  }

  async function handle(event: Json, signals: RequestSignals): Promise<Handled> {
    const arrivedAt = performance.now();
    const place = await acquire(signals);
    const waitedMs = performance.now() - arrivedAt;
    const serving = serve(event, place, AbortSignal.any([signals.deadline, closing.signal]));
    busy.add(serving);
    onChange();
    try {
      return { ...(await serving), waitedMs };
    } finally {
      busy.delete(serving);
      onChange();
    }
  }

  let isClosed = false;
  return {
    handle: async (event, signals) => {
      if (isClosed) throw closed();
      return await handle(event, signals);
    },
    retire,
    counts: () => ({
      instances: places,
      instanceIds: [...instances].map(({ id }) => id),
      busy: busy.size,
      waiting: waiting.length,
    }),
    close: async (drainMs) => {
      isClosed = true;
      for (const waiter of [...waiting]) waiter.refuse(closed());
      const drained = new AbortController();
      await Promise.race([
        Promise.allSettled(busy),
        sleep(drainMs, undefined, { signal: drained.signal }).catch(() => undefined),
      ]);
      drained.abort();
      closing.abort();
      await Promise.allSettled(busy);
      retire();
      const ending = [...instances];
      for (const instance of ending) if (instance.isReady()) instance.stop();
      await Promise.race([Promise.all(ending.map(({ gone }) => gone)), sleep(endMs, undefined, { ref: false })]);
    },
  };
}

const closed = () => new FirstlightError('CONFLICT', 'The gateway is ending.', { hint: 'Try again later.' });
const cancelled = () => new FirstlightError('CANCELLED', 'The request was given up.');

/** Runs work once all earlier work has settled, and returns its result. A failure does not stop later work. */
export type Queue = <Value>(work: () => Promise<Value>) => Promise<Value>;

/** An empty queue: it runs one piece of work at a time, in the order of the calls. */
export function createQueue(): Queue {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
}

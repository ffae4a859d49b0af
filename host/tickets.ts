import { randomBytes } from 'node:crypto';

/** A browser that was asked to open a page does so within this time, on the slowest machine. */
const lifetimeMs = 60_000;

/**
 * Words that let one browser in, once.
 *
 * A browser is started with its URL as an argument, which every user of the machine can read in the list of processes.
 * So that argument holds a ticket that is void as soon as it was used, and not the token.
 */
export function createTickets(now: () => number = Date.now) {
  const valid = new Map<string, number>();
  return {
    issue: (): string => {
      const ticket = randomBytes(16).toString('hex');
      valid.set(ticket, now() + lifetimeMs);
      return ticket;
    },
    /** True once for a ticket that is not too old. */
    redeem: (ticket: string): boolean => {
      const until = valid.get(ticket);
      valid.delete(ticket);
      return until !== undefined && now() <= until;
    },
  };
}

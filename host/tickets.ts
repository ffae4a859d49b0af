import { randomBytes } from 'node:crypto';

/** A browser that was asked to open a page does so within this time, on the slowest machine. */
const lifetimeMs = 60_000;

/**
 * One-time tickets, each of which admits one browser.
 *
 * A browser is started with its URL as an argument, which every user of the machine can read in the list of processes.
 * So that argument contains a ticket that is void after its first use, and not the token.
 */
export function createTickets(now: () => number = Date.now) {
  const valid = new Map<string, number>();
  return {
    issue: (): string => {
      const ticket = randomBytes(16).toString('hex');
      valid.set(ticket, now() + lifetimeMs);
      return ticket;
    },
    /** Returns true once for a ticket that is not too old. */
    redeem: (ticket: string): boolean => {
      const until = valid.get(ticket);
      valid.delete(ticket);
      return until !== undefined && now() <= until;
    },
  };
}

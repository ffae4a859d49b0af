import { expect, test } from 'vitest';
import { createTickets } from './tickets.ts';

test('a ticket is good once', () => {
  const tickets = createTickets();
  const ticket = tickets.issue();
  expect(tickets.redeem('another')).toBe(false);
  expect(tickets.redeem(ticket)).toBe(true);
  expect(tickets.redeem(ticket)).toBe(false);
});

test('a ticket is void after a minute', () => {
  let now = 0;
  const tickets = createTickets(() => now);
  const ticket = tickets.issue();
  now = 60_001;
  expect(tickets.redeem(ticket)).toBe(false);
});

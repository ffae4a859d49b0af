import { lookup } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** A machine without a network may wait long for an answer about a name. Units: ms. */
const lookupMs = 2_000;

const firstLabel = (name: string) => name.toLowerCase().split('.')[0];

/**
 * Whether the name that a daemon gives its host is of this machine, or leads to it. A socket of this machine may be of a
 * daemon elsewhere: ssh and others forward sockets too.
 */
export async function isNameOfThisMachine(name: string): Promise<boolean> {
  if (firstLabel(name) === firstLabel(hostname())) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
  // A name that leads nowhere is not this machine's.
  const looking = lookup(name, { all: true }).catch(() => []);
  const found = await Promise.race([looking, sleep(lookupMs, [], { ref: false })]);
  return found.some(({ address }) => own.includes(address) || address.startsWith('127.'));
}

import { createByteWriter } from '../output/write-bytes.ts';
import { type Session, untilEnded } from '../session.ts';
import { resetTerminal } from './console.ts';
import { nameOf } from './deploy.ts';

export interface ConsoleOptions {
  readonly target?: string;
  readonly instance?: string;
  readonly pod?: string;
}

/** Prints the serial console of one instance of a function, until that ends or Ctrl-C. */
export async function followConsole(session: Session, name: string, options: ConsoleOptions): Promise<number> {
  const { target, instance = options.pod } = options;
  const { stdout, stderr } = session.io;
  const input = { ...(await nameOf(session, name, target)), ...(instance !== undefined && { instance }) };
  if (stdout.isTTY && stderr.isTTY) session.note(`The console of ${name}. Ctrl-C ends this view, not the guest.\n`);
  const stream = session.client.openStream('deploy:console', input, createByteWriter(session, 'raw'));
  try {
    await Promise.race([stream.ended, untilEnded(session.signal)]);
  } finally {
    if (stdout.isTTY) stdout.write(resetTerminal);
    stream.close();
  }
  return 0;
}

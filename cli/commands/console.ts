import { findInstance } from '../find.ts';
import { createByteWriter } from '../output/write-bytes.ts';
import { type Session, untilEnded } from '../session.ts';

/** Ctrl-], as in telnet and virsh. */
const detachByte = 0x1d;
/** Resets the modes that a guest may have left on: colours off, cursor shown, alternate screen left. */
export const resetTerminal = '\x1b[0m\x1b[?25h\x1b[?1049l';

/** Joins this terminal, or a pipe, to an instance's serial console until either ends. */
export async function attachConsole(session: Session, name: string): Promise<number> {
  const { stdin, stdout, stderr } = session.io;
  const { id: instanceId } = await findInstance(session, name);
  const stream = session.client.openStream('console:attach', { instanceId }, createByteWriter(session, 'raw'));
  const isTerminal = stdin.isTTY === true && stdin.setRawMode !== undefined;
  if (isTerminal && stderr.isTTY) session.note(`Attached to ${instanceId}. Ctrl-] detaches.\n`);

  let detach: () => void = () => undefined;
  const detached = new Promise<void>((resolve) => {
    detach = resolve;
  });
  const onInput = (chunk: Buffer | string) => {
    const bytes = Buffer.from(chunk as Buffer);
    const at = isTerminal ? bytes.indexOf(detachByte) : -1;
    if (at !== 0) stream.write(at < 0 ? bytes : bytes.subarray(0, at));
    if (at >= 0) detach();
  };
  let why = '';
  if (isTerminal) stdin.setRawMode?.(true);
  stdin.on('data', onInput);
  try {
    const ended = await Promise.race([stream.ended.then(() => true), detached, untilEnded(session.signal)]);
    why = ended === true ? `The console of ${instanceId} ended.\n` : 'Detached.\n';
  } finally {
    stdin.off('data', onInput);
    stdin.pause();
    if (isTerminal) stdin.setRawMode?.(false);
    if (isTerminal && stdout.isTTY) stdout.write(`${resetTerminal}\n`);
    stream.close();
  }
  if (isTerminal && stderr.isTTY) session.note(why);
  return 0;
}

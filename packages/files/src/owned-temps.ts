import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isAlive, thisProcess } from './process-identity.ts';
import { isTempName, namesIn } from './temp-files.ts';

/** Temporary folders whose names say which process made them, so that what a killed process left is recognised. */
export interface OwnedTemps {
  /** The path of a new one; it is not made. */
  readonly newPath: () => string;
  /** The paths of those whose makers are gone. */
  readonly abandoned: () => Promise<string[]>;
}

/** The temporary folders in `dir`. Shape: `kind` is a word that distinguishes them from others there. */
export function createOwnedTemps(dir: string, kind: string): OwnedTemps {
  const me = thisProcess();
  const pattern = new RegExp(`^\\.${kind}-(\\d+)-(\\d+)\\.`);
  return {
    newPath: () => join(dir, `.${kind}-${me.pid}-${me.startTicks}.${randomBytes(6).toString('hex')}.fl-tmp`),
    abandoned: async () => {
      const paths: string[] = [];
      for (const name of await namesIn(dir)) {
        const [, pid, startTicks] = pattern.exec(name) ?? [];
        if (pid === undefined || startTicks === undefined || !isTempName(name)) continue;
        if (!isAlive({ pid: Number(pid), startTicks, bootId: me.bootId })) paths.push(join(dir, name));
      }
      return paths;
    },
  };
}

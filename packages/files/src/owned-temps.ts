import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isAlive, thisProcess } from './process-identity.ts';
import { isTempName, namesIn } from './temp-files.ts';

/** Temporary folders whose names identify their process, so that a killed process's folders are recognised. */
export interface OwnedTemps {
  /** The path of a new folder; the call does not make the folder. */
  readonly newPath: () => string;
  /** The paths of the folders whose processes have ended. */
  readonly abandoned: () => Promise<string[]>;
}

/** The temporary folders in `dir`. Shape: `kind` is a word that distinguishes them from other folders. */
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

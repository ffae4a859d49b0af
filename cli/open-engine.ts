import type { EngineOpener } from './session.ts';

/** Opens Firstlight's own core. It is imported here, late, so that `--help` and a mistyped option do not load it. */
export const openCore: EngineOpener = async (io) => {
  const [{ createCore }, { locateResources }] = await Promise.all([
    import('#core/engine/create-core.ts'),
    import('#core/store/resources.ts'),
  ]);
  return createCore({
    resources: locateResources(),
    env: io.env,
    log: (line) => {
      if (io.env.FIRSTLIGHT_LOG) io.stderr.write(`${line}\n`);
    },
  });
};

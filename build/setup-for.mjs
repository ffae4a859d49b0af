// `node build/setup-for.mjs <purpose>`: sets up the needs of a purpose (run, test, dev, lint, …) and nothing else.
import { runMain, SetupError } from './script.mjs';
import { purposeNames, setUp } from './setup.mjs';

await runMain(async () => {
  const [purpose] = process.argv.slice(2);
  if (!purposeNames.includes(purpose))
    throw new SetupError(`"${purpose ?? ''}" is not a purpose.`, `One of: ${purposeNames.join(', ')}`);
  await setUp(purpose);
});

import type { Client } from '#shared/contract/client.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { runSample } from '#shared/sample.ts';

/** Runs the sample at the first start, or when `wanted`, so that the studio opens with a running function. */
export async function setupSample(client: Client, wanted: boolean, log: (line: string) => void): Promise<void> {
  try {
    if (wanted || (await client.call('projects:list', {})).length === 0) await runSample(client);
  } catch (thrown) {
    // The page shows the same error where it can be repaired.
    log(`the sample did not run: ${toFirstlightError(thrown).message}`);
  }
}

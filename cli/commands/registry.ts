import {
  allowedTokenServices,
  readRegistryHost,
  readTokenService,
  tokenServiceKey,
} from '#shared/model/token-service.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Lists the registries whose name and password may go to a token service on another host. */
export async function listRegistries(session: Session): Promise<number> {
  const allowed = await readAllowed(session);
  session.printJson(allowed);
  if (allowed.length === 0) {
    session.print('None. Allow one with: firstlight registry allow <registry> <token-service>\n');
    return 0;
  }
  const rows = allowed.map(({ registry, tokenService }) => [registry, tokenService]);
  session.print(renderTable(['REGISTRY', 'TOKEN SERVICE'], rows, session.style));
  return 0;
}

/** Lets the name and password for a registry go to a token service. */
export async function allowRegistry(session: Session, given: string, address: string): Promise<number> {
  const registry = checkRegistry(given);
  const tokenService = readTokenService(address);
  if (tokenService === null) {
    throw badInput(
      `"${address}" is not the address of a token service.`,
      'It is https:// and a host, without a path: https://gitlab.example.com',
    );
  }
  await session.call('settings:set', { values: { [tokenServiceKey(registry)]: tokenService } });
  session.printJson({ registry, tokenService });
  session.print(`The name and password for ${registry} may go to ${tokenService}\n`);
  return 0;
}

/** Takes that back. */
export async function forgetRegistry(session: Session, given: string): Promise<number> {
  const registry = checkRegistry(given);
  const allowed = await readAllowed(session);
  if (!allowed.some((one) => one.registry === registry)) {
    throw badInput(`No token service is allowed for ${registry}.`, 'See which are: firstlight registry ls');
  }
  await session.call('settings:set', { values: { [tokenServiceKey(registry)]: null } });
  session.printJson({ removed: registry });
  session.print(`The name and password for ${registry} go to its own hosts only\n`);
  return 0;
}

const readAllowed = async (session: Session) => allowedTokenServices(await session.call('settings:get', {}));

/** The host of a registry, as it begins the names of its images. Errors: BAD_INPUT. */
function checkRegistry(text: string): string {
  const host = readRegistryHost(text);
  if (host !== null) return host;
  throw badInput(
    `"${text}" is not the host of a registry.`,
    'It is what its images’ names begin with: registry.example.com',
  );
}

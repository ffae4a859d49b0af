import { expect, it, vi } from 'vitest';
import { createClient } from '#shared/contract/client.ts';
import { createMemoryPorts } from '#shared/contract/memory-port.ts';

vi.mock('react', () => {
  throw new Error('state reached for React');
});
vi.mock('react-dom', () => {
  throw new Error('state reached for React');
});

it('makes a studio without React', async () => {
  const { createStudio } = await import('./studio.ts');
  const { client } = createMemoryPorts();
  const studio = createStudio({
    client: createClient(client),
    link: () => ({ status: 'connecting', attempt: 0, retryAtMs: null }),
    onLink: () => () => undefined,
  });
  expect(studio.session.getState().link.status).toBe('connecting');
  studio.dispose();
});

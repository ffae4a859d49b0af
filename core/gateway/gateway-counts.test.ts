import { afterEach, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { type GatewayRequest, gatewayLimitsSchema } from '#shared/model/gateway.ts';
import type { Project } from '#shared/model/project.ts';
import type { InstanceId, RunId } from '#shared/model/units.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import type { Served } from './scaler.ts';

let gateway: RunningGateway;
afterEach(() => gateway.close());

const answer = { status: 200, headers: {}, body: 'hello', encoding: 'utf8' } as never;
const project = { id: 'p1', name: 'hello', dir: '/hello', config: {}, problems: [] } as unknown as Project;
let end = () => {};
const served: Served = {
  id: 'i1' as InstanceId,
  imageId: 'image',
  isReady: () => true,
  gone: new Promise((resolve) => {
    end = resolve;
  }),
  invoke: () => Promise.reject(new FirstlightError('FUNCTION_THREW', 'on purpose')),
  stop: () => end(),
};

it('counts the answers of each function, also errors, and names the run of its last cold start', async () => {
  const answered: GatewayRequest[] = [];
  let changes = 0;
  gateway = await startGateway({
    port: 0,
    limits: gatewayLimitsSchema.parse({ concurrency: 3 }),
    listProjects: async () => [project],
    mostInstances: () => 1,
    watchProject: async () => undefined,
    start: async () => ({ instance: served, answer, runId: 'run1' as RunId }),
    onChange: () => {
      changes += 1;
    },
    onAnswered: (request) => answered.push(request),
  });
  const { url, functions } = await gateway.status();
  expect(functions[0]).toMatchObject({ concurrency: 1, requests: 0, lastColdStart: null });
  expect((await fetch(`${url}/function/hello`)).status).toBe(200);
  expect((await fetch(`${url}/function/hello?again`)).status).toBe(500);
  expect((await fetch(`${url}/function/nobody`)).status).toBe(404);
  await expect
    .poll(() => answered.map(({ projectId, runId }) => [projectId, runId]))
    .toEqual([
      ['p1', 'run1'],
      ['p1', null],
      [null, null],
    ]);
  const [after] = (await gateway.status()).functions;
  expect(after).toMatchObject({ requests: 2, lastColdStart: { runId: 'run1', at: answered[0]?.at } });
  expect(changes).toBeGreaterThanOrEqual(2);
});

/** Runs the body of a handler in the guest's engine and in Node.js, for tests that compare them. */
import type { Workshop } from './bundle-and-open.ts';

/** The result of a handler's body in the guest's engine; the body also runs on Node.js. */
export async function answerIn(shop: Workshop, body: string, event: unknown = {}): Promise<unknown> {
  const { call } = await shop.open(`export default async (event: any) => { ${body} };`);
  return (await call(event)).body;
}
/** As `answerIn`, in this Node.js. */
export const inNode = async (body: string, event: unknown = {}): Promise<unknown> =>
  JSON.parse(JSON.stringify(await new Function('event', `return (async () => { ${body} })();`)(event)));

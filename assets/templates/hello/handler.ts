import type { Context, Event } from 'firstlight';

// On Ember this runs once, when the image is built.
const builtAt = new Date().toISOString();

export default async function handler(event: Event, context: Context) {
  const name = event.name ?? event.query?.name ?? 'world';
  console.log(`Hello, ${name}. ${context.functionName} was built at ${builtAt}.`);
  return { hello: name };
}

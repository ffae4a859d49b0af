import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runTasks } from './run-tasks.mjs';

describe('runTasks', () => {
  it('starts a task when those it waits for are done, and runs the others side by side', async () => {
    const events: string[] = [];
    const task = (name: string, after: string[] = []) => ({
      after,
      run: async () => {
        events.push(`${name} starts`);
        await sleep(1);
        events.push(`${name} ends`);
      },
    });
    await runTasks({ last: task('last', ['first', 'other']), first: task('first'), other: task('other') });
    expect(events.slice(0, 2)).toEqual(['first starts', 'other starts']);
    expect(events.slice(-2)).toEqual(['last starts', 'last ends']);
  });

  it('treats a task that is not there as done', async () => {
    const done: string[] = [];
    await runTasks({ only: { after: ['absent'], run: () => done.push('only') } });
    expect(done).toEqual(['only']);
  });

  it('throws the first error, starts nothing that waits for it, and waits for what is running', async () => {
    const events: string[] = [];
    const running = runTasks({
      broken: {
        run: async () => {
          throw new Error('no network');
        },
      },
      after: { after: ['broken'], run: () => events.push('after') },
      slow: {
        run: async () => {
          await sleep(5);
          events.push('slow');
        },
      },
    });
    await expect(running).rejects.toThrow('no network');
    expect(events).toEqual(['slow']);
  });

  it('refuses tasks that wait for each other', async () => {
    const run = () => {};
    await expect(runTasks({ a: { after: ['b'], run }, b: { after: ['a'], run } })).rejects.toThrow('a → b → a');
  });
});

import { expect, it } from 'vitest';
import type { Command } from '../bind/command.ts';
import { rankCommands } from './rank.ts';

const command = (title: string, disabled = false): Command => ({
  id: title,
  title,
  group: 'View',
  disabled,
  run: () => undefined,
});
const titles = (query: string, ...commands: Command[]) => rankCommands(commands, query).map((entry) => entry.title);

it('keeps the order for an empty query, with what cannot be done last', () => {
  expect(titles('', command('One', true), command('Two'), command('Three'))).toEqual(['Two', 'Three', 'One']);
});

it('puts whole words before letters that only occur', () => {
  expect(titles('run', command('Turn it up again'), command('Show runs'), command('Run'))).toEqual([
    'Run',
    'Show runs',
    'Turn it up again',
  ]);
});

it('drops what lacks a letter', () => {
  expect(titles('xyz', command('Run'))).toEqual([]);
});

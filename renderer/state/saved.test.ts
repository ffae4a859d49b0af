import { describe, expect, it } from 'vitest';
import { initialPreferences, initialSaved, readSaved } from './saved.ts';

describe('readSaved', () => {
  it('gives back what was saved', () => {
    const saved = {
      ...initialSaved,
      theme: 'dark' as const,
      area: 'runs' as const,
      projectId: 'aaaaaaaaaaaa',
      layouts: { rows: { work: 50, dock: 50 } },
      tabs: { aaaaaaaaaaaa: { paths: ['handler.ts'], active: 'handler.ts' } },
      events: { aaaaaaaaaaaa: '{}' },
      drafts: { 'aaaaaaaaaaaa:handler.ts': { text: 'typed', revision: 'r' } },
      tipsDismissed: true,
      preferences: { ...initialPreferences, editorFontSize: 15, formatOnSave: true, keys: { run: 'Ctrl+R' } },
      hosts: { aaaaaaaaaaaa: 'lab' },
      split: { aaaaaaaaaaaa: 'firstlight.json' },
    };
    expect(readSaved(JSON.parse(JSON.stringify(saved)))).toEqual(saved);
  });

  it.each([undefined, null, 7, 'text', []])('takes nothing from %j', (value) => {
    expect(readSaved(value)).toEqual({});
  });

  it('leaves out what has another shape, and keeps the rest', () => {
    const read = readSaved({
      theme: 'sepia',
      startMode: 'prebooted',
      layouts: { rows: { work: 'wide', dock: 20 }, columns: 3 },
      tabs: { a: { paths: ['x.ts', 4], active: 9 }, b: [] },
      events: { a: 1, b: '{}' },
      hosts: { a: 1, b: 'lab' },
      preferences: { editorFontSize: 400, windowFontSize: 'big', keys: { run: 'Ctrl+R', save: 3 } },
    });
    expect(read).toEqual({
      startMode: 'prebooted',
      layouts: { rows: { dock: 20 } },
      tabs: { a: { paths: ['x.ts'], active: null } },
      events: { b: '{}' },
      drafts: {},
      hosts: { b: 'lab' },
      split: {},
      preferences: { ...initialPreferences, keys: { run: 'Ctrl+R' } },
    });
  });
});

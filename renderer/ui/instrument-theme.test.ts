import { expect, it } from 'vitest';
import { inkOn, widenColour, withAlpha } from './instrument-theme.ts';

it('widens colours that a minifier shortened', () => {
  expect(['#fff', '#1aC', '#ffffff', 'Inter, sans-serif', ''].map(widenColour)).toEqual([
    '#ffffff',
    '#11aaCC',
    '#ffffff',
    'Inter, sans-serif',
    '',
  ]);
});

it('picks the ink that stands out more', () => {
  expect(['#f0e442', '#0072b2', '#000000', '#ffffff'].map(inkOn)).toEqual(['#101216', '#ffffff', '#ffffff', '#101216']);
});

it('adds an opacity to a colour', () => {
  expect([withAlpha('#336699', 0), withAlpha('#336699', 0.5), withAlpha('#336699', 2)]).toEqual([
    '#33669900',
    '#33669980',
    '#336699ff',
  ]);
});

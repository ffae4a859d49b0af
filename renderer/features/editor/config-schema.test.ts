import { expect, it } from 'vitest';
import { schemaAddresses } from './config-schema.ts';

it('finds the schema wherever a firstlight.json names it', () => {
  const uri = 'file:///p1/firstlight.json';
  const named = (schema: string) => schemaAddresses([{ uri, text: `{ "$schema": "${schema}", "name": "a" }` }]);
  expect(schemaAddresses([{ uri, text: '{ "name": "a" }' }])).toEqual(['firstlight:///firstlight.schema.json']);
  expect(named('./.firstlight/schema.json')).toContain('file:///p1/.firstlight/schema.json');
  expect(named('../../firstlight.schema.json')).toContain('file:///firstlight.schema.json');
  expect(named('https://a.example/s.json')).toContain('https://a.example/s.json');
  expect(schemaAddresses([{ uri: 'file:///p1/package.json', text: '{ "$schema": "./x.json" }' }])).toHaveLength(1);
  expect(named('http://[')).toHaveLength(1);
});

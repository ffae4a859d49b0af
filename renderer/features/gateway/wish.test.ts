import { expect, it } from 'vitest';
import { gatewayCalls } from '#shared/contract/gateway.ts';
import { createGatewayStore } from '../../state/gateway.ts';
import { isFieldValid, readWish, wishFields } from './wish.ts';

const { wish } = createGatewayStore().getState();
const schema = gatewayCalls['gateway:start'].input;

it('begins with what the engine takes for left out', () => {
  expect(readWish(wish)).toEqual(schema.parse({}));
});

it('sends seconds as milliseconds, and a host only where one is chosen', () => {
  expect(readWish({ ...wish, idle: ' 0.25 ', deadline: '5', port: '8080', host: 'lab' })).toMatchObject({
    ...{ idleMs: 250, deadlineMs: 5000, port: 8080, host: 'lab' },
  });
  expect(readWish(wish)).not.toHaveProperty('host');
});

it('takes for valid what the engine does', () => {
  const texts = ['', '0', '1', '2.5', '64', '65', '900', '901', '10000', '10001', '65535', '65536', '86400', '86401'];
  for (const field of wishFields) {
    for (const text of texts.slice(1)) {
      const scale = field.key === 'idle' || field.key === 'deadline' ? 1000 : 1;
      const name = { idle: 'idleMs', deadline: 'deadlineMs' }[field.key as string] ?? field.key;
      const accepted = schema.safeParse({ [name]: Number(text) * scale }).success;
      expect([field.key, text, isFieldValid(field, text)]).toEqual([field.key, text, accepted]);
    }
    expect(isFieldValid(field, '')).toBe(field.key === 'port');
    for (const text of ['-1', '1e3', 'ten', '0x10']) expect(isFieldValid(field, text)).toBe(false);
  }
  expect(readWish({ ...wish, queue: 'many' })).toBeNull();
});

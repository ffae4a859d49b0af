import { expect, test } from 'vitest';
import { decodeEngineFrame, decodeFrame, encodeFrame, readTokenProtocol, tokenProtocol } from './ws-codec.ts';

test('a data message is the id in four big-endian bytes, then the bytes', () => {
  const frame = encodeFrame({ type: 'data', id: 0x01020304, bytes: new Uint8Array([0xff, 0x00]) });
  expect(frame).toEqual(new Uint8Array([1, 2, 3, 4, 0xff, 0x00]));
  expect(decodeFrame(frame)).toEqual({ type: 'data', id: 0x01020304, bytes: new Uint8Array([0xff, 0x00]) });
});

test('a frame that lies inside a larger buffer is read at its own offset', () => {
  const frame = new Uint8Array([9, 9, 0, 0, 0, 7, 65]).subarray(2);
  expect(decodeFrame(frame)).toEqual({ type: 'data', id: 7, bytes: new Uint8Array([65]) });
});

test('control messages are JSON text and come back as they were', () => {
  const message = { type: 'call', id: 1, name: 'app:info', input: {} } as const;
  const frame = encodeFrame(message);
  expect(frame).toBeTypeOf('string');
  expect(decodeFrame(frame)).toEqual(message);
});

test('anything but a frame of the contract decodes to null', () => {
  expect(decodeFrame('{')).toBeNull();
  expect(decodeFrame(new Uint8Array(3))).toBeNull();
  expect(decodeEngineFrame('{"type":"result"}')).toBeNull();
  expect(decodeEngineFrame('{"type":"data","id":1,"bytes":[1]}')).toBeNull();
});

test('an error arrives whole', () => {
  const message = {
    type: 'error',
    id: 3,
    error: { code: 'BUILD_FAILED', message: 'm', hint: 'h', details: { stack: 's' }, causes: ['c'] },
  } as const;
  expect(decodeEngineFrame(encodeFrame(message))).toEqual(message);
});

test('the token is found among the offered subprotocols', () => {
  expect(readTokenProtocol(['firstlight.v1', tokenProtocol('abc')])).toBe('abc');
  expect(readTokenProtocol(['firstlight.v1'])).toBeNull();
});

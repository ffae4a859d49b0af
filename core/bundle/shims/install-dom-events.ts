import {
  AbortController,
  AbortSignal,
  addHandlerProperty,
  CustomEvent,
  Event,
  EventTarget,
  MessageEvent,
} from './dom-events.ts';

Object.assign(globalThis, { AbortController, AbortSignal, CustomEvent, Event, EventTarget, MessageEvent });
/** For the shims that build upon events. */
Object.defineProperty(globalThis, Symbol.for('firstlight.events'), { value: { addHandlerProperty } });

import { fetch } from './fetch.ts';

Object.assign(globalThis, { fetch });

import { Headers, Request, Response } from './http.ts';

Object.assign(globalThis, { Headers, Request, Response });

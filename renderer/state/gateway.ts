import { createStore, type StoreApi } from 'zustand/vanilla';
import type { FirstlightError } from '#shared/errors.ts';
import { type Gateway, type GatewayRequest, gatewayLimitsSchema } from '#shared/model/gateway.ts';
import type { StartMode } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { idle, type Loadable } from './loadable.ts';

/** The gateway that a person wishes for, as typed. Units: `idle` and `deadline` in s. */
export interface GatewayWish {
  readonly startMode: StartMode;
  /** Empty: this machine's libvirt. */
  readonly host: string;
  /** Empty: any free one. */
  readonly port: string;
  readonly concurrency: string;
  readonly queue: string;
  readonly idle: string;
  readonly deadline: string;
}

/** An answer that this window was told of. Shape: `serial` differs per answer. */
export interface SeenRequest extends GatewayRequest {
  readonly serial: number;
}

/** The gateway of the engine, and what this window has seen of it. */
export interface GatewayState {
  /** Shape: `gateway` is null while there is none. */
  readonly status: Loadable<{ readonly gateway: Gateway | null }>;
  readonly wish: GatewayWish;
  readonly step: 'starting' | 'stopping' | null;
  /** Why it was not started or stopped. */
  readonly failure: FirstlightError | null;
  /** The last requests that were answered while this window was open, newest first. */
  readonly requests: readonly SeenRequest[];
  /** The function whose requests are shown; null: all. */
  readonly chosen: ProjectId | null;
}

export type GatewayStore = StoreApi<GatewayState>;

const { startMode, concurrency, queue, idleMs, deadlineMs } = gatewayLimitsSchema.parse({});
const firstWish: GatewayWish = {
  startMode,
  host: '',
  port: '',
  concurrency: String(concurrency),
  queue: String(queue),
  idle: String(idleMs / 1000),
  deadline: String(deadlineMs / 1000),
};

export const createGatewayStore = (): GatewayStore =>
  createStore<GatewayState>()(() => ({
    status: idle,
    wish: firstWish,
    step: null,
    failure: null,
    requests: [],
    chosen: null,
  }));

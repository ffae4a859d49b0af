import { useStore } from 'zustand';
import type { Gateway } from '#shared/model/gateway.ts';
import { useStudio } from '../../bind/studio.tsx';
import type { GatewayState } from '../../state/gateway.ts';

/** A part of the state of the gateway. */
export const useGatewayState = <T>(select: (state: GatewayState) => T): T =>
  useStore(useStudio().gateway.store, select);

/** The gateway; null while there is none, or it is not known yet. */
export const useGateway = (): Gateway | null => useGatewayState((state) => state.status.value?.gateway ?? null);

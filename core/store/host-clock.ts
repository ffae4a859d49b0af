import { type HostNs, hostNs } from '#shared/model/units.ts';

/** The time on the host's monotonic clock. */
export const hostNow = (): HostNs => hostNs(Number(process.hrtime.bigint()));

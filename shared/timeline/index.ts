/** Boot marks of host and guest in, one `BootTimeline` out. Pure; the rules are in SPEC.md. */
export { buildTimeline, type Observations } from './build-timeline.ts';
export { type ClockEvidence, fitGuestClock, type GuestClock, type TickRate } from './clock.ts';
export { compareTimelines, type PhaseDelta, type TimelineDelta } from './compare-timelines.ts';
export { type ClockSample, type GuestMark, type HostMark, markNames } from './marks.ts';
export { roundTimeline } from './round-timeline.ts';
export { compareSeries, runsLike, seriesOf } from './series.ts';
export { upgradeTimeline } from './upgrade-timeline.ts';

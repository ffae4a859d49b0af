/** Boot marks of host and guest in, one `BootTimeline` out. Pure; the rules are in SPEC.md. */
export { buildTimeline, guestBegins, type Observations } from './build-timeline.ts';
export { type ClockEvidence, fitGuestClock, type GuestClock, type TickRate } from './clock.ts';
export { makeClusterTimeline } from './cluster-timeline.ts';
export { comparisonWords, describeComparison, describeSpread, formatP, isSignificant } from './describe-comparison.ts';
export { type ClockSample, type GuestMark, type HostMark, markNames } from './marks.ts';
export { restoreOf } from './restore-of.ts';
export { roundComparison, roundTimeline } from './round-timeline.ts';
export { compareRuns, findBaseline, runsLike, seriesOf } from './series.ts';
export { upgradeTimeline } from './upgrade-timeline.ts';

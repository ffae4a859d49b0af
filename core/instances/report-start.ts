/** Often enough for a visibly growing bar. A quicker start is drawn when it is over. */
const everyMs = 100;

/** Calls `report` at once and then repeatedly during a start. Returns the function that ends the reports. */
export function reportStart(report: () => void): () => void {
  report();
  const timer = setInterval(report, everyMs).unref();
  return () => clearInterval(timer);
}

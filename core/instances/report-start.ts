/** Often enough for a bar to be seen to grow. A start that is quicker is drawn when it is over. */
const everyMs = 100;

/** Calls `report` at once and again and again while a start goes on. Returns the function that ends the reports. */
export function reportStart(report: () => void): () => void {
  report();
  const timer = setInterval(report, everyMs).unref();
  return () => clearInterval(timer);
}

// The time of the server, as far as the page knows it. Windows are cut by the times of events, so a
// browser whose clock is wrong would show empty ones.

// The Date header has whole seconds, and the answer was on its way for a while.
const TOLERANCE_MILLISECONDS = 2_000;

let ahead = 0;

/** Compares the clocks by the Date header of an answer that came just now. */
export function noteServerTime(date) {
  const told = Date.parse(date ?? "");
  if (Number.isNaN(told)) return;
  const difference = told - Date.now();
  ahead = Math.abs(difference) > TOLERANCE_MILLISECONDS ? difference : 0;
}

export const serverNow = () => Date.now() + ahead;

/** Seconds from the engine's creation to each step, as chaos-operator 3.8.0 with litmus-go was seen to take (November 2026). */
export const SEEN = {
  initialized: 0.5,
  waitingForJob: 3,
  jobCreated: 5,
  /** Until then a result of an earlier run of that name stays as it is. */
  resultRunning: 7.5,
  firstKill: 12,
  /** Status checks that follow each kill; a round is the interval and this. */
  statusChecks: 8,
  /** From the end of the chaos to the verdict in the result, and on to the engine. */
  verdict: 12,
  probes: 9,
  completed: 13,
  /** A label that selects nothing, without and with the default health check. */
  targetSelectionError: 29,
  statusChecksError: 203,
  /** After the request to stop. */
  killAfterStop: 1.2,
  resultStopped: 2,
  jobGone: 5,
  engineStopped: 7.5,
  /** After the deletion of an engine that runs. */
  finalizerOfRunning: 11,
  finalizerOfEnded: 0.5,
  poll: 0.3,
} as const;

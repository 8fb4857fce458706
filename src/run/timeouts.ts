/** Named waits live below the clients, which need them too; `run` and `cli` import them from here. */
export { readTimeouts, TIMEOUTS_VARIABLE, type TimeoutName, type Timeouts, timeoutMs } from '../clients/timeouts.ts';

/**
 * Property tests try the same values in every run of the suite, so that a red run can be had again. `PEAKPROOF_PROPERTY_SEED=any`
 * tries new ones, a number those of that seed (a failing property prints it).
 */
import fc from 'fast-check';

const asked = process.env.PEAKPROOF_PROPERTY_SEED ?? '20261127';
if (asked !== 'any') fc.configureGlobal({ seed: Number.parseInt(asked, 10) });

/** An image of the lab, in the cache. */
export interface LabImage {
  readonly name: 'erp' | 'servers';
  /** `peakproof/lab-erp:0123456789ab`; the tag is a digest of what is in it. */
  readonly reference: string;
  /** Archive as `docker save` writes it. */
  readonly file: string;
}

/** User and group of every process in the lab's containers. */
export const CONTAINER_ID = 10_001;

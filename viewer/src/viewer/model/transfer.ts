// What a value of the scan looks like in the volume.

/** One point of a transfer function; between two points colour and opacity run straight. */
export interface TransferPoint {
  readonly value: number;
  /** "#rrggbb" */
  readonly colour: string;
  /** 0 to 1, over one millimetre of depth. */
  readonly opacity: number;
}

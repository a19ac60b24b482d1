// How finely the volume is drawn: coarser while it moves, then in bands and in several passes while it stands.

export interface Quality {
  /** Of the screen's pixels along each edge, while it moves. */
  readonly share: number;
  /** The picture of a still view is drawn in so many strips, one after the other, so that the page keeps answering. */
  readonly bands: number;
  /** Still pictures laid over one another, each beginning elsewhere between two steps. */
  readonly passes: number;
}

/** Coarse enough for a slow device; a fast one is known as such after a frame. */
export const FIRST_QUALITY: Quality = { share: 0.3, bands: 4, passes: 4 };

const SLOW_MS = 50;
const FAST_MS = 30;
const LEAST_SHARE = 0.2;
/** How long a strip may take. */
const BAND_MS = 120;
const MOST_BANDS = 16;
const MOST_PASSES = 4;

/** Steps of a ray, in voxels. */
export const STEP = { moving: 1.6, still: 0.8 } as const;

/** After a frame that moved and took so long. */
export function afterMoving(quality: Quality, ms: number): Quality {
  const share =
    ms > SLOW_MS ? Math.max(LEAST_SHARE, quality.share * 0.8) : ms < FAST_MS ? Math.min(1, quality.share * 1.1) : quality.share;
  // A still picture has 1 / share^2 as many pixels and twice as many steps.
  return { ...quality, share, ...forPicture((ms * (STEP.moving / STEP.still)) / quality.share ** 2) };
}

/** After a strip of a still picture that took so long. */
export function afterBand(quality: Quality, ms: number): Quality {
  return { ...quality, ...forPicture(ms * quality.bands) };
}

function forPicture(ms: number): { bands: number; passes: number } {
  const bands = Math.min(MOST_BANDS, Math.max(1, Math.ceil(ms / BAND_MS)));
  return { bands, passes: bands >= 4 ? 2 : MOST_PASSES };
}

/** Rows of a strip: [first, how many]. */
export function bandOf(index: number, bands: number, rows: number): readonly [number, number] {
  const first = Math.floor((index * rows) / bands);
  return [first, Math.floor(((index + 1) * rows) / bands) - first];
}

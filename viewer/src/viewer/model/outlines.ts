// How thick the outlines of organs are drawn in the scan.

/** Where slices stand alone, the 3D view has no height of its own. */
const USUAL_HEIGHT = 800;

/** In pixels of a picture of this height: as thick as one of the page's, where it is shown at so many of those. */
export const outlinePixels = (height: number, shownHeight: number): number => Math.max(1, height / (shownHeight || USUAL_HEIGHT));

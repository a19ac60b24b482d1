// A bar of a round length, as long as it may be.

const STEPS = [1, 2, 5, 10];

/** The longest of 1, 2 or 5 times a power of ten that takes at most so many pixels; null where nothing is known. */
export function scaleBar(mmPerPixel: number, mostPixels: number): { readonly mm: number; readonly pixels: number } | null {
  const most = mmPerPixel * mostPixels;
  if (!(most > 0) || !Number.isFinite(most)) return null;
  const power = 10 ** Math.floor(Math.log10(most));
  // What is cut off by rounding of the logarithm or of a product still fits.
  const mm = STEPS.map((step) => step * power).filter((one) => one <= most * (1 + 1e-9)).at(-1) ?? power;
  return { mm, pixels: mm / mmPerPixel };
}

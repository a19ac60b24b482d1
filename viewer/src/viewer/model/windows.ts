// Window and level: which values become black, which white.

export interface Window {
  readonly centre: number;
  readonly width: number;
}

export interface WindowPreset extends Window {
  readonly id: string;
  /** In English, as the catalogue knows it. */
  readonly name: string;
}

/** As radiologists set them, in Hounsfield units. */
export const WINDOWS_CT: readonly WindowPreset[] = [
  { id: "soft-tissue", name: "Soft tissue", centre: 40, width: 400 },
  { id: "lung", name: "Lung", centre: -600, width: 1500 },
  { id: "bone", name: "Bone", centre: 450, width: 1800 },
  { id: "brain", name: "Brain", centre: 40, width: 80 },
  { id: "liver", name: "Liver", centre: 70, width: 150 },
  { id: "vessels", name: "Vessels with contrast medium", centre: 200, width: 600 },
];

export const NARROWEST = 1;

/** 0 black to 1 white. DICOM PS3.3 C.11.2.1.3.2 (LINEAR_EXACT): straight from centre - width / 2 to centre + width / 2. */
export function greyOf(value: number, { centre, width }: Window): number {
  return Math.min(1, Math.max(0, (value - centre) / Math.max(NARROWEST, width) + 0.5));
}

/** From the values themselves: the darkest and brightest hundredth fall outside. */
export function automaticWindow(values: ArrayLike<number>, unmeasured: number | null): Window | undefined {
  const sorted = Float64Array.from(Array.from(values).filter((v) => v !== unmeasured)).sort();
  if (sorted.length === 0) return undefined;
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return fromEnds(at(0.01), at(0.99));
}

export function fromEnds(low: number, high: number): Window {
  return { centre: (low + high) / 2, width: Math.max(NARROWEST, high - low) };
}

/** A drag over the picture: to the right wider, upwards brighter; a quarter of the width for 100 pixels. */
export function dragged(from: Window, rightPx: number, upPx: number): Window {
  const width = Math.max(NARROWEST, from.width * 2 ** (rightPx / 200));
  return { width, centre: from.centre - (upPx / 400) * from.width };
}

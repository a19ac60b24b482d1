// Numbers of the scene -> text in the reader's language, with as many digits as can be meant.
import { language } from "../../page/words.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Measurement } from "../state/view_state.ts";

/** A hyphen is no minus: it is shorter, and lines break after it. */
const withMinus = (text: string): string => text.replace(/-(?=\d)/, "\u2212");

function plain(value: number, digits: number, atLeast = digits): string {
  return withMinus(new Intl.NumberFormat(language, { maximumFractionDigits: digits, minimumFractionDigits: atLeast }).format(value));
}

const withUnit = (value: number, unit: string, digits: number): string =>
  withMinus(new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value));

/** Three figures that count. */
const digitsFor = (value: number): number => {
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
};

/** As the certificate has it: millilitres, from one litre on litres. */
export function millilitres(ml: number): string {
  if (ml >= 1000) return `${plain(ml / 1000, ml < 100_000 ? 2 : 0)} l`;
  return `${plain(ml, ml >= 100 ? 0 : 1)} ml`;
}

export const squareCentimetres = (mm2: number): string => `${plain(mm2 / 100, digitsFor(mm2 / 100))} cm²`;

export const millimetres = (mm: number, digits = 1): string => withUnit(mm, "millimeter", digits);

/** Of what has no millimetres: pixels of the picture, or voxels, which are none. */
export const lengthOf = (length: number, { unit }: Pick<Manifest, "unit">, digits = 1): string =>
  unit === "mm" ? millimetres(length, digits) : `${plain(length, digits)} px`;

/** The sign and not "deg", which some languages' unit is. */
export const degrees = (value: number, digits = 1): string => `${plain(value, digits)}°`;

export const measured = ({ unit, value }: Pick<Measurement, "unit" | "value">): string =>
  unit === "deg" ? degrees(value) : lengthOf(value, { unit });

export const percent = (share: number): string =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);

/** A value of the scan without its unit. */
export const bare = (value: number, unit: string): string => plain(value, unit === "HU" ? 0 : 1);

/** Of one voxel, which is whole more often than not; numbers without a scale of their own have no unit. */
export const voxelValue = (value: number, unit: string): string => plain(value, 1, 0) + (unit === "HU" ? " HU" : "");

export const quantity = (value: number, unit: string): string => `${bare(value, unit)} ${unit}`;

export const sizes = (lengths: readonly number[], { unit }: Pick<Manifest, "unit">): string =>
  `${lengths.map((one) => plain(one, 0)).join(" × ")} ${unit}`;

/** "L 12.3  P 4.0  S 101.2": the letter says to which side of the origin. */
export function place([x, y, z]: readonly [number, number, number]): string {
  const one = (value: number, positive: string, negative: string) =>
    `${value < 0 ? negative : positive} ${plain(Math.abs(value), 1)}`;
  return [one(x, "L", "R"), one(y, "P", "A"), one(z, "S", "I")].join("  ");
}

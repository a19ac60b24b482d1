// Numbers of the scene -> text in the reader's language, with as many digits as can be meant.
import { language } from "../../page/words.ts";

function plain(value: number, digits: number): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

const withUnit = (value: number, unit: string, digits: number): string =>
  new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);

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

export const degrees = (value: number): string => withUnit(value, "degree", 1);

export const percent = (share: number): string =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);

/** A value of the scan without its unit. */
export const bare = (value: number, unit: string): string => plain(value, unit === "HU" ? 0 : 1).replace("-", "\u2212");

export const quantity = (value: number, unit: string): string => `${bare(value, unit)} ${unit}`;

export const sizes = (mm: readonly number[]): string => `${mm.map((one) => plain(one, 0)).join(" × ")} mm`;

/** "L 12.3  P 4.0  S 101.2": the letter says to which side of the origin. */
export function place([x, y, z]: readonly [number, number, number]): string {
  const one = (value: number, positive: string, negative: string) =>
    `${value < 0 ? negative : positive} ${plain(Math.abs(value), 1)}`;
  return [one(x, "L", "R"), one(y, "P", "A"), one(z, "S", "I")].join("  ");
}

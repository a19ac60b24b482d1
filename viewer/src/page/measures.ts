// Numbers -> words in the page's language: sizes, lengths of time, shares.
import { language, word } from "./words.ts";

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

function unit(value: number, name: string, digits: number, display: "short" | "long" = "short"): string {
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: name,
    unitDisplay: display,
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  }).format(value);
}

/** Bytes in the largest unit that leaves a whole number before the point. */
export function size(bytes: number): string {
  const step = Math.min(SIZES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** step;
  return unit(value, SIZES[step] ?? "byte", step > 0 && value < 100 ? 1 : 0);
}

/** A length of time as roughly as it is known. */
function roughly(seconds: number): string {
  if (seconds < 90) return unit(Math.ceil(seconds / 5) * 5, "second", 0, "long");
  if (seconds < 90 * 60) return unit(Math.round(seconds / 60), "minute", 0, "long");
  return unit(seconds / 3600, "hour", 1, "long");
}

/** How long something will still take. */
export function left(seconds: number): string {
  return seconds < 10 ? word("A few seconds left") : word("About {time} left", { time: roughly(seconds) });
}

/** 0 to 1 as whole per cent; never 100 before it is done. */
export function percent(share: number): string {
  const shown = share < 1 ? Math.min(0.99, Math.floor(share * 100) / 100) : 1;
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(shown);
}

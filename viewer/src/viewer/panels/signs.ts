// Small drawings, stroked in the colour of the text.
import { type TemplateResult, html, svg } from "lit";
import type { Light } from "../model/manifest.ts";
import { word } from "../../page/words.ts";

export const sign = (path: string): TemplateResult =>
  html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d=${path} /></svg>`;

export const SIGNS = {
  organs: "M12 4c4.4 0 7.5 2.6 7.5 6.6 0 5-4 9.4-7.5 9.4s-7.5-4.4-7.5-9.4C4.5 6.6 7.6 4 12 4zM12 4v16",
  scan: "M4 5h16v14H4zM4 12h16M12 5v14",
  cut: "M3 7h18M3 7l5 5M12 7l5 5M5 20h14v-6H5z",
  measure: "M4 20 20 4M3 17l4 4M17 3l4 4M9.5 14.500l2 2M12.5 11.500l2 2",
  take: "M12 4v11m-4.5-4L12 15.5 16.5 11M4.5 19.500h15",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 12m-2.8 0a2.8 2.8 0 1 0 5.6 0a2.8 2.8 0 1 0-5.6 0",
  // Between the two: the upper lid down over half of it.
  eyeHalf: "M2.5 12S6 18.500 12 18.500 21.500 12 21.500 12M2.5 12h19M9.2 12a2.8 2.8 0 0 0 5.6 0",
  eyeShut: "M3 10c2 3.3 5.2 5.3 9 5.300s7-2 9-5.300M6 14l-1.8 2.600M18 14l1.8 2.600M12 15.300v3.2",
  alone: "M12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M4 8V4h4M20 8V4h-4M4 16v4h4M20 16v4h-4",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  home: "M4 11.5 12 4.5l8 7M6.5 10v9.5h11V10",
  look: "M12 3.5 19.5 7.700v8.600L12 20.500l-7.5-4.200V7.700zM4.8 7.900l7.2 4 7.2-4M12 12v8.3",
  name: "M4 6.500h10l5.5 5.500L14 17.500H4z",
  sure: "M12 3.500a8.500 8.500 0 1 0 0 17a8.500 8.500 0 1 0 0-17M9.600 9.400c.2-1.500 1.200-2.300 2.500-2.300 1.400 0 2.400.9 2.400 2.200 0 2-2.500 2.100-2.500 4.200M12 16.700h.01",
  bin: "M4.5 7h15M9.5 7V4.500h5V7M6.5 7l.8 12.500h9.400L17.5 7",
  plus: "M12 5v14M5 12h14",
  flip: "M12 3v18M8.5 7 4 12l4.5 5M15.5 7l4.5 5-4.5 5",
  close: "M6 6l12 12M18 6 6 18",
  search: "M10.5 10.500m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M15 15l5 5",
} as const;

const SHAPES: Readonly<Record<Light, TemplateResult>> = {
  green: svg`<circle cx="5" cy="5" r="5" />`,
  amber: svg`<path d="M5 .4 10 9.600H0z" />`,
  red: svg`<path d="M.5.5h9v9h-9z" />`,
};

export function lightName(light: Light): string {
  if (light === "green") return word("Green: nothing speaks against it");
  return light === "amber" ? word("Amber: look before you rely on it") : word("Red: do not rely on it");
}

/** Colour and shape both say it; its name too, for whoever cannot see it. */
export const lightSign = (light: Light): TemplateResult =>
  html`<svg class="lamp ${light}" viewBox="0 0 10 10" fill="currentColor" role="img" aria-label=${lightName(light)}><title>${lightName(light)}</title>${SHAPES[light]}</svg>`;

export const swatch = (colour: string): TemplateResult =>
  html`<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><circle cx="8" cy="8" r="7.3" fill=${colour} /></svg>`;

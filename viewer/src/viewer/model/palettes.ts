// Colours that can be told apart also by who sees red and green alike.

/** Okabe and Ito 2008, "Color universal design", without black: sRGB, the most different first. */
const OKABE_ITO = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#f0e442"] as const;
/** Lighter and darker again: what comes round a second time differs in lightness, which everybody sees. */
const SHADES = [0, 0.42, -0.38, 0.66] as const;

/** One colour for each, in their order. */
export function tellApart(ids: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    ids.map((id, index) => {
      const colour = OKABE_ITO[index % OKABE_ITO.length] ?? "#888888";
      const shade = SHADES[Math.floor(index / OKABE_ITO.length) % SHADES.length] ?? 0;
      return [id, shaded(colour, shade)];
    }),
  );
}

/** Towards white for a positive share, towards black for a negative one. */
function shaded(colour: string, share: number): string {
  const to = share > 0 ? 255 : 0;
  const parts = [1, 3, 5].map((at) => {
    const from = Number.parseInt(colour.slice(at, at + 2), 16);
    return Math.round(from + (to - from) * Math.abs(share));
  });
  return `#${parts.map((one) => one.toString(16).padStart(2, "0")).join("")}`;
}

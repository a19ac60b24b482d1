// Numbers over a picture that stand in each other's way: each goes to the nearest free place above or below.

/** A label by its middle, in the picture's pixels. */
export interface Pill {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Between two of them. */
const GAP = 3;
/** Beyond that many rows away from where it belongs, a number says nothing any more. */
const MOST_ROWS = 12;

/** The middles, in the order given: the first keeps its place. All lie inside where there is room. */
export function apart(pills: readonly Pill[], within: { readonly width: number; readonly height: number }, edge: number): { x: number; y: number }[] {
  const taken: Pill[] = [];
  return pills.map((pill) => {
    const inside = held(pill, within, edge);
    const free = rows(inside)
      .map((y) => held({ ...inside, y }, within, edge))
      .find((one) => taken.every((other) => !isOver(one, other)));
    const found = free ?? inside;
    taken.push(found);
    return { x: found.x, y: found.y };
  });
}

/** Its own height, then those below and above by turns. */
function rows({ y, height }: Pill): number[] {
  const step = height + GAP;
  const away = Array.from({ length: MOST_ROWS }, (_, index) => (index + 1) * (step / 2));
  return [y, ...away.flatMap((by) => [y + by, y - by])];
}

function held(pill: Pill, within: { readonly width: number; readonly height: number }, edge: number): Pill {
  const [half, tall] = [pill.width / 2, pill.height / 2];
  return {
    ...pill,
    x: Math.max(half + edge, Math.min(within.width - half - edge, pill.x)),
    y: Math.max(tall + edge, Math.min(within.height - tall - edge, pill.y)),
  };
}

const isOver = (a: Pill, b: Pill): boolean =>
  Math.abs(a.x - b.x) < (a.width + b.width) / 2 + GAP && Math.abs(a.y - b.y) < (a.height + b.height) / 2 + GAP - 1e-9;

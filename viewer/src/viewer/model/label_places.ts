// Where names stand beside the picture: in a column at each side, as in an atlas, none over another.

export interface Anchor {
  readonly id: string;
  /** On the screen. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** What matters more keeps its place when there are too many. */
  readonly weight: number;
}

export interface Place {
  readonly id: string;
  readonly side: "left" | "right";
  /** Of the name's inner edge and middle line. */
  readonly x: number;
  readonly y: number;
}

export interface Room {
  readonly width: number;
  readonly top: number;
  readonly bottom: number;
  readonly margin: number;
  readonly lineHeight: number;
}

/** Names that fit, each on the side of its anchor, in the order of their heights, so that no two lines cross. */
export function placed(anchors: readonly Anchor[], room: Room): Place[] {
  const most = Math.max(0, Math.floor((room.bottom - room.top) / room.lineHeight));
  const middle = median(anchors.map((one) => one.x)) ?? room.width / 2;
  const sides = { left: [] as Anchor[], right: [] as Anchor[] };
  for (const anchor of [...anchors].sort((a, b) => b.weight - a.weight)) {
    const near = anchor.x < middle ? "left" : "right";
    const far = near === "left" ? "right" : "left";
    const side = sides[near].length < most && sides[near].length <= sides[far].length + 4 ? near : far;
    if (sides[side].length < most) sides[side].push(anchor);
  }
  return [...column("left", sides.left, room), ...column("right", sides.right, room)];
}

function column(side: "left" | "right", anchors: readonly Anchor[], room: Room): Place[] {
  const sorted = [...anchors].sort((a, b) => a.y - b.y || a.x - b.x || (a.id < b.id ? -1 : 1));
  const heights = spread(
    sorted.map((one) => one.y),
    room,
  );
  return sorted.map(
    (anchor, index): Place => ({
      id: anchor.id,
      side,
      x: side === "left" ? room.margin + anchor.width : room.width - room.margin - anchor.width,
      y: heights[index] ?? 0,
    }),
  );
}

/** As near to where they want to be as they can, a line apart and inside: blocks that touch move as one. */
function spread(wanted: readonly number[], room: Room): number[] {
  const step = room.lineHeight;
  const blocks: { sum: number; count: number }[] = [];
  const top = (block: { sum: number; count: number }) => {
    const low = room.top + step / 2;
    const high = room.bottom - step / 2 - (block.count - 1) * step;
    return Math.max(low, Math.min(high, block.sum / block.count));
  };
  for (const y of wanted) {
    blocks.push({ sum: y, count: 1 });
    for (;;) {
      const [before, last] = blocks.slice(-2);
      if (!before || !last || top(before) + before.count * step <= top(last)) break;
      blocks.splice(-2, 2, {
        sum: before.sum + last.sum - last.count * before.count * step,
        count: before.count + last.count,
      });
    }
  }
  return blocks.flatMap((block) => Array.from({ length: block.count }, (_, index) => top(block) + index * step));
}

function median(all: readonly number[]): number | undefined {
  return [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
}

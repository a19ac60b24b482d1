// Places pressed in a picture, two or the one of a coin -> the fields that hold them, in the pixels of the picture's file.

const SVG = "http://www.w3.org/2000/svg";

/** Show the picture, take up what is pressed in it, and mark what the fields say, also when it was typed. */
export function letPoint(place: HTMLElement): void {
  const form = place.closest("form");
  const [columns, rows] = [Number(place.dataset["columns"]), Number(place.dataset["rows"])];
  if (!form || place.querySelector("svg") || !(columns > 0 && rows > 0)) return;
  const field = (name: string) => form.querySelector<HTMLInputElement>(`input[name=${name}]`);
  const pairs = [["x1", "y1"], ["x2", "y2"]].map(([x = "", y = ""]) => ({ x: field(x), y: field(y) }));
  const marks = document.createElementNS(SVG, "svg");
  marks.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
  marks.setAttribute("aria-hidden", "true");
  place.append(marks);
  place.hidden = false;
  for (const told of form.querySelectorAll("[data-pointing]")) told.removeAttribute("hidden");
  // A coin takes one point: the fields of the other are hidden then.
  const asked = () => pairs.filter(({ x }) => x?.closest("[hidden]") === null);

  function draw(): void {
    const ends = asked().flatMap(({ x, y }) => {
      const at = [Number((x?.value ?? "").replace(",", ".")), Number((y?.value ?? "").replace(",", "."))] as const;
      return x?.value && y?.value && at.every(Number.isFinite) ? [at] : [];
    });
    marks.replaceChildren();
    const [from, to] = ends;
    if (from && to) marks.append(drawn("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }));
    for (const [cx, cy] of ends) marks.append(drawn("circle", { cx, cy, r: Math.max(columns, rows) / 90 }));
  }

  place.addEventListener("click", (event) => {
    const seen = place.getBoundingClientRect();
    const at = [((event.clientX - seen.left) / seen.width) * columns, ((event.clientY - seen.top) / seen.height) * rows];
    // The first that is not set; where both are, both begin anew.
    const isFull = asked().every(({ x, y }) => x?.value && y?.value);
    if (isFull) for (const { x, y } of asked()) for (const each of [x, y]) if (each) each.value = "";
    const free = asked().find(({ x, y }) => !x?.value || !y?.value);
    if (free?.x) free.x.value = String(Math.round(at[0] ?? 0));
    if (free?.y) free.y.value = String(Math.round(at[1] ?? 0));
    draw();
  });
  form.addEventListener("input", draw);
  // After what is shown has changed with the choice.
  form.addEventListener("change", () => queueMicrotask(draw));
  draw();
}

function drawn(name: string, attributes: Record<string, number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

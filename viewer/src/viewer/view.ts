// The viewer's page: reads what there is, puts the parts together, and says in words what cannot be had.
import { csrfToken, freshToken } from "../page/csrf_token.ts";
import { word } from "../page/words.ts";
import type { App } from "./app.ts";
import { busy } from "./busy.ts";
import { keepDetails } from "./loading/details.ts";
import { keepMeasures } from "./loading/saved_measures.ts";
import { type MeshSource, startMeshes } from "./loading/meshes.ts";
import { keepTextures } from "./loading/textures.ts";
import { LoadFailed, fetchJson } from "./loading/ranges.ts";
import type { Manifest } from "./model/manifest.ts";
import { UnreadableManifest, readManifest } from "./model/read_manifest.ts";
import { namedTurn } from "./model/viewpoint.ts";
import { type PageData, inPageLanguage, pageData } from "./page_data.ts";
import { putPanels } from "./panels/panels.ts";
import { type Shell, makeShell } from "./panels/shell.ts";
import { cameraMover } from "./scene/camera.ts";
import { clipCaps } from "./scene/drawables/clip_caps.ts";
import { type OrganMeshes, organMeshes } from "./scene/drawables/organ_meshes.ts";
import { listenToGestures } from "./scene/gestures.ts";
import { putOverlays } from "./scene/overlays.ts";
import { pickAt } from "./scene/picking.ts";
import { type Stage, startStage } from "./scene/stage.ts";
import { toAddress } from "./state/address.ts";
import { fromAddress } from "./state/read_address.ts";
import { firstState } from "./state/first_state.ts";
import { type Store, createStore } from "./state/store.ts";
import { lossTeller } from "./graphics_lost.ts";
import { meshNews } from "./loading/mesh_news.ts";

/** Whoever waits for organs longer than this gets what stands around them. */
const LONGEST_WAIT_MS = 1500;

const main = document.getElementById("viewer");
if (main?.dataset["scene"]) void open(pageData(main));

async function open(page: PageData): Promise<void> {
  const { main: place } = page;
  // Without scripts nothing is fetched, and nothing may say so.
  place.querySelector("[data-while-loading]")?.removeAttribute("hidden");
  // What reads the meshes comes up while the list of them is on its way.
  const meshes = startMeshes(page.files);
  let manifest: Manifest;
  try {
    manifest = inPageLanguage(readManifest(await fetchJson(page.files + page.scene)), page.said);
  } catch (fault) {
    meshes.dispose();
    saidInPlace(place, whyUnread(fault));
    if (isWorthAnother(fault)) offerAnother(place);
    return;
  }
  meshes.loadCoarse(manifest);
  const shell = makeShell(page, manifest);
  const profile = isSmallDevice() ? "phone" : "desktop";
  const store = createStore(firstState(manifest, { profile, aspect: 1 }));
  const fallback = place.querySelector<HTMLElement>("[data-fallback]");
  fallback?.setAttribute("hidden", "");
  shell.root.classList.add("waiting");
  place.append(shell.root);
  place.classList.add("begun");
  let stage: Stage;
  try {
    stage = startStage({ canvas: shell.canvas, store, lost: lossTeller(store) });
  } catch {
    meshes.dispose();
    shell.root.remove();
    place.classList.remove("begun");
    fallback?.removeAttribute("hidden");
    return withoutWebGl(place);
  }
  begin(page, shell, store, stage, meshes);
}

function begin(page: PageData, shell: Shell, store: Store, stage: Stage, meshes: MeshSource): void {
  const view = () => stage.view(store.state);
  const organs = organMeshes();
  const news = meshNews(store, organs, stage.invalidate);
  meshes.tell(news);
  const mover = cameraMover(store, view);
  const first = () => {
    const { width, height } = view();
    return firstState(store.state.manifest, { profile: store.state.profile, aspect: width / height }).camera;
  };
  const app: App = {
    page,
    store,
    stage,
    meshes,
    mover,
    tools: { store, pick: ({ x, y }) => pickAt(meshes, store.state, view(), x, y) },
    seenAt: new Map(),
    look: (name) => mover.goTo({ ...store.state.camera, turn: namedTurn(name) }),
    reset: () => mover.goTo(first()),
    fit: (bounds) => mover.fit(bounds),
    retry(what) {
      if (what === "view") history.replaceState(history.state, "", `#${toAddress(store.state)}`);
      if (what === "scene" || what === "view") location.reload();
      else if (what === "meshes") news.retry(meshes);
      else if (what === "measurements") void saved?.save();
      else document.dispatchEvent(new CustomEvent("viewer-retry", { detail: what }));
    },
  };
  const saved = page.measurements
    ? keepMeasures({ address: page.measurements, canEdit: page.canEdit, token: csrfToken(document), freshToken, store })
    : undefined;
  store.dispatch({ type: "camera", camera: first() });
  for (const intent of fromAddress(location.hash, store.state)) store.dispatch(intent);
  keepTextures(page.files, store, {
    take(id, kind, picture) {
      organs.paint(id, kind, picture);
      stage.invalidate();
      requestAnimationFrame(() => performance.mark("viewer:painted", { detail: kind }));
    },
    failed: (name) => store.dispatch({ type: "notice", notice: { id: "texture", key: "texture-failed", places: { name }, kind: "warn", retry: "scene" } }),
  });
  const caps = clipCaps(organs);
  // Another link to the same page, pasted over this one.
  addEventListener("hashchange", () => location.reload());
  stage.add(organs);
  stage.add(caps);
  const details = keepDetails({
    meshes,
    has: organs.has,
    choose(levels) {
      for (const id of organs.choose(levels)) meshes.drop(id);
    },
    isReady: news.isCoarseThere,
    hasFailed: news.hasFailed,
  });
  timeFirsts(stage, news.isCoarseThere, organs);
  // The organs first: what stands around them, and the scan, wait until the first is on the screen.
  afterFirstOrgan(stage, () => organs.object.children.length > 0 || news.isCoarseThere()).then(() => {
    shell.root.classList.remove("waiting");
    putOverlays(app, shell);
    putPanels(app, shell);
    void bringScan(app, shell, caps);
  });
  stage.onFrame((state, seen, effort) => {
    organs.hurry(effort.isStruggling);
    details.look(state, seen, Math.min(2, devicePixelRatio));
  });
  const hover = hoverer(app);
  listenToGestures({ canvas: shell.canvas, mover, context: app.tools, hover, reset: app.reset, look: app.look, hold: stage.hold });
  const count = store.state.manifest.leftOutCount;
  if (count) {
    const key = count === 1 ? "one-left-out" : "left-out";
    store.dispatch({ type: "notice", notice: { id: "left-out", key, places: { count }, kind: "warn", retry: null } });
  }
}

/** Resolves when a frame with an organ is on the screen, or when none has come for a while. */
function afterFirstOrgan(stage: Stage, isOneThere: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LONGEST_WAIT_MS);
    stage.onFrame(() => {
      // The frame that is begun now is on the screen when the next one begins.
      if (isOneThere()) requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
    });
  });
}

/** When the first organ and when all of them were drawn, in the browser's own list of timings. */
function timeFirsts(stage: Stage, areAllThere: () => boolean, organs: OrganMeshes): void {
  const said = new Set<string>();
  const once = (name: string) => {
    if (said.has(name)) return;
    said.add(name);
    // The frame that is begun now is on the screen when the next one begins.
    requestAnimationFrame(() => performance.mark(name));
  };
  stage.onFrame(() => {
    if (organs.object.children.length) once("viewer:first-organ");
    if (areAllThere()) once("viewer:all-organs");
  });
}

/** The scan's part comes by itself, after all that can be seen without it. */
async function bringScan(app: App, shell: Shell, caps: ReturnType<typeof clipCaps>): Promise<void> {
  const { store, stage } = app;
  const panel = shell.panels.get("scan");
  if (!store.state.manifest.volume || !panel) return;
  busy("scan", true);
  try {
    const { mountVolume } = await import("./scene/volume_part.ts");
    const part = mountVolume({
      app,
      renderer: stage.renderer,
      container: shell.slices,
      panel,
      requestFrame: stage.invalidateSoon,
      paintCaps: (painter) => caps.paint(painter),
    });
    for (const drawable of part?.drawables ?? []) stage.add(drawable);
  } catch {
    busy("scan", false);
    store.dispatch({ type: "notice", notice: { id: "scan", key: "scan-failed", places: {}, kind: "warn", retry: "scene" } });
  }
}

/** One question at a time: the last spot counts. */
function hoverer(app: App): (spot: { x: number; y: number } | undefined) => void {
  let next: { x: number; y: number } | undefined;
  let isAsking = false;
  const tell = (id: string | null) => app.store.dispatch({ type: "hover", id });
  async function ask(): Promise<void> {
    isAsking = true;
    while (next) {
      const spot = next;
      next = undefined;
      const hit = await app.tools.pick(spot);
      tell(hit?.id ?? null);
    }
    isAsking = false;
  }
  return (spot) => {
    next = spot;
    if (!spot) tell(null);
    else if (!isAsking) void ask();
  };
}

const isSmallDevice = (): boolean =>
  matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 700;

function withoutWebGl(place: HTMLElement): void {
  place.querySelector("[data-without-webgl]")?.removeAttribute("hidden");
  const line = place.querySelector<HTMLElement>("[data-while-loading]");
  if (!line) return;
  line.dataset["over"] = "";
  line.hidden = true;
}

function saidInPlace(place: HTMLElement, sentence: string): void {
  const line = place.querySelector<HTMLElement>("[data-while-loading]");
  if (!line) return;
  line.dataset["over"] = "";
  line.textContent = sentence;
  line.className = "notice";
  line.setAttribute("role", "alert");
}

const isWorthAnother = (fault: unknown): boolean => fault instanceof LoadFailed && (fault.flaw === "network" || fault.flaw === "server");

function offerAnother(place: HTMLElement): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button plain slim";
  button.textContent = word("Try again");
  button.addEventListener("click", () => location.reload());
  place.querySelector("[data-while-loading]")?.append(" ", button);
}

function whyUnread(fault: unknown): string {
  if (fault instanceof UnreadableManifest) {
    if (fault.flaw === "newer-version")
      return word("This scene was written by a newer version of the program. Reload the page; if that does not help, the server needs an update.");
    if (fault.flaw === "no-organs") return word("There is nothing in this scene that could be shown in 3D.");
    return word("The list of the models is damaged. Build them once more.");
  }
  if (fault instanceof LoadFailed && fault.flaw === "damaged")
    return word("The list of the models is damaged. Build them once more.");
  if (fault instanceof LoadFailed && fault.flaw === "missing")
    return word("The list of the models is not there any more. Build them once more.");
  if (fault instanceof LoadFailed && fault.flaw === "refused")
    return word("You may not see these models, or you are no longer signed in.");
  return word("The models could not be fetched: the connection or the server does not answer.");
}

// The pictures that lie on surfaces: fetched whole when they are wished for, checked, and decoded beside the page.
import type { Manifest, TextureFile } from "../model/manifest.ts";
import { busy } from "../busy.ts";
import type { Store } from "../state/store.ts";
import type { Paint } from "../state/view_state.ts";
import { LoadFailed, fetchRange, hasHash } from "./ranges.ts";

/** Raises LoadFailed. */
export async function fetchTexture(files: string, texture: TextureFile): Promise<ImageBitmap> {
  const bytes = await fetchRange(files + texture.file, 0, texture.bytes);
  if (!(await hasHash(bytes, texture.sha256))) throw new LoadFailed("damaged", texture.file);
  try {
    return await createImageBitmap(new Blob([bytes], { type: texture.mediaType }), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch (fault) {
    throw new LoadFailed("damaged", `${texture.file}: ${String(fault)}`);
  }
}

export interface TakesTextures {
  take(id: string, kind: Paint, picture: ImageBitmap): void;
  /** Of one that cannot be had. */
  failed(name: string): void;
}

/** Those that the state wishes for, each once, now and whenever it wishes for others. */
export function keepTextures(files: string, store: Store, to: TakesTextures): void {
  const asked = new Set<Paint>();
  const ask = (): void => {
    const { paint, manifest } = store.state;
    if (asked.has(paint)) return;
    asked.add(paint);
    void load(files, manifest, paint, to);
  };
  store.subscribe(ask);
  ask();
}

async function load(files: string, manifest: Manifest, kind: Paint, to: TakesTextures): Promise<void> {
  const painted = manifest.organs.flatMap(({ id, name, ...organ }) => {
    const texture = kind === "confidence" ? organ.confidence : organ.texture;
    return texture ? [{ id, name, texture }] : [];
  });
  if (!painted.length) return;
  busy(`textures-${kind}`, true);
  await Promise.all(
    painted.map(({ id, name, texture }) =>
      fetchTexture(files, texture).then(
        (picture) => to.take(id, kind, picture),
        () => to.failed(name),
      ),
    ),
  );
  busy(`textures-${kind}`, false);
}

// The pictures that lie on surfaces: fetched whole, checked, and decoded beside the page.
import type { Manifest, TextureFile } from "../model/manifest.ts";
import { busy } from "../busy.ts";
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

/** Each of them when it is there; of one that cannot be had, that it cannot. */
export async function loadTextures(
  files: string,
  manifest: Manifest,
  to: { take(id: string, picture: ImageBitmap): void; failed(name: string): void },
): Promise<void> {
  const painted = manifest.organs.flatMap(({ id, name, texture }) => (texture ? [{ id, name, texture }] : []));
  if (!painted.length) return;
  busy("textures", true);
  await Promise.all(
    painted.map(({ id, name, texture }) =>
      fetchTexture(files, texture).then(
        (picture) => to.take(id, picture),
        () => to.failed(name),
      ),
    ),
  );
  busy("textures", false);
}

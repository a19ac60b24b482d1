// Slices out of the 3D texture, as pixels: drawn to a target and read back without holding up the page.
import { Color, GLSL3, NoBlending, ShaderMaterial, Vector3, type WebGLRenderer, WebGLRenderTarget } from "three";
import { applied, appliedToDirection } from "../model/affine.ts";
import { outlinePixels } from "../model/outlines.ts";
import { type SliceView, lpsAt, stepAlong } from "../model/slice_view.ts";
import { scale } from "../model/vectors.ts";
import type { SlicesState } from "../state/view_state.ts";
import { SCAN_GLSL, SLICE_GLSL } from "../scene/scan_glsl.ts";
import type { ScanLabels } from "../scene/scan_labels.ts";
import type { ScanTextures } from "../scene/scan_textures.ts";
import { screenScene } from "../scene/drawables/screen.ts";

const MOST_SAMPLES = 96;

const FRAGMENT = /* glsl */ `
out vec4 colourOut;
uniform vec3 uOrigin;     // index of the middle of the upper left pixel
uniform vec3 uRight;      // by one pixel
uniform vec3 uDown;
uniform vec3 uAcross;     // by one sample of the slab
uniform int uSamples;
uniform int uSlabMode;    // 0 mean, 1 highest, 2 lowest

void main() {
  // Rows are drawn from the top, as pictures have them.
  vec3 p = uOrigin + (gl_FragCoord.x - 0.5) * uRight + (gl_FragCoord.y - 0.5) * uDown;
  if (uSamples == 1) {
    colourOut = sliceColour(p, uRight, uDown, uOverlay);
    return;
  }
  float sum = 0.0;
  float count = 0.0;
  float low = 1e30;
  float high = -1e30;
  vec3 at = p - uAcross * (float(uSamples - 1) * 0.5);
  for (int i = 0; i < uSamples; i++, at += uAcross) {
    if (!isWithin(at)) continue;
    float value = scanAt(at);
    if (!isMeasured(value)) continue;
    sum += value;
    count += 1.0;
    low = min(low, value);
    high = max(high, value);
  }
  if (count < 0.5) {
    colourOut = isWithin(p) ? vec4(uUnmeasuredColour, 1.0) : vec4(0.0);
    return;
  }
  float value = uSlabMode == 1 ? high : uSlabMode == 2 ? low : sum / count;
  colourOut = vec4(withLabels(vec3(windowed(value)), p, uRight, uDown, uOverlay), 1.0);
}
`;

/** What all slices share: the window and the colour of what was not measured. */
export function sliceUniforms(scan: ScanTextures, labels: ScanLabels) {
  return {
    ...scan.uniforms,
    ...labels.uniforms,
    uWindowLow: { value: 0 },
    uWindowWidth: { value: 1 },
    uOutlinePixels: { value: 1 },
    uUnmeasuredColour: { value: new Color().setRGB(0.22, 0.2, 0.26) },
  };
}
export type SliceUniforms = ReturnType<typeof sliceUniforms>;

export function takeWindow(uniforms: SliceUniforms, scan: ScanTextures, { windowCentre, windowWidth }: SlicesState): void {
  const low = scan.partOf(windowCentre - windowWidth / 2);
  uniforms.uWindowLow.value = low;
  uniforms.uWindowWidth.value = Math.max(1e-6, scan.partOf(windowCentre + windowWidth / 2) - low);
}

/** As thick as on the screen, whatever a picture's size; to be asked before each drawing into the 3D view. */
export function fitOutline(uniforms: SliceUniforms, renderer: WebGLRenderer): void {
  const { domElement } = renderer;
  const height = renderer.getRenderTarget()?.height ?? domElement.height;
  uniforms.uOutlinePixels.value = outlinePixels(height, domElement.clientHeight);
}

export interface SlicePainter {
  /** Width and height are device pixels of the view; undefined where the graphics were lost meanwhile. */
  paint(view: SliceView, slab: SlicesState["slab"]): Promise<ImageData | undefined>;
  dispose(): void;
}

export function slicePainter(renderer: WebGLRenderer, scan: ScanTextures, shared: SliceUniforms): SlicePainter {
  const uniforms = {
    ...shared,
    uOrigin: { value: new Vector3() },
    uRight: { value: new Vector3() },
    uDown: { value: new Vector3() },
    uAcross: { value: new Vector3() },
    uSamples: { value: 1 },
    uSlabMode: { value: 0 },
  };
  const material = new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: "void main() { gl_Position = vec4(position.xy, 0.0, 1.0); }",
    fragmentShader: SCAN_GLSL + SLICE_GLSL + FRAGMENT,
    uniforms,
    depthTest: false,
    depthWrite: false,
    blending: NoBlending,
    toneMapped: false,
  });
  const { scene, camera, quad } = screenScene(material);
  const target = new WebGLRenderTarget(1, 1, { depthBuffer: false });
  const finest = stepAlong.bind(null, scan.lpsToIndex);

  return {
    async paint(view, slab) {
      const { width, height, axes, mmPerPixel } = view;
      if (target.width !== width || target.height !== height) target.setSize(width, height);
      const index = (v: readonly [number, number, number]) => appliedToDirection(scan.lpsToIndex, v);
      uniforms.uOrigin.value.set(...applied(scan.lpsToIndex, lpsAt(view, 0.5, 0.5)));
      uniforms.uRight.value.set(...index(scale(axes.right, mmPerPixel)));
      uniforms.uDown.value.set(...index(scale(axes.down, mmPerPixel)));
      const samples = slab.mm > 0 ? Math.min(MOST_SAMPLES, Math.max(2, Math.ceil(slab.mm / finest(axes.across)) + 1)) : 1;
      uniforms.uSamples.value = samples;
      uniforms.uAcross.value.set(...index(scale(axes.across, samples > 1 ? slab.mm / (samples - 1) : 0)));
      uniforms.uSlabMode.value = { mean: 0, mip: 1, minip: 2 }[slab.mode];
      uniforms.uOutlinePixels.value = Math.max(1, Math.min(2, devicePixelRatio));
      const before = renderer.getRenderTarget();
      renderer.setRenderTarget(target);
      renderer.render(scene, camera);
      renderer.setRenderTarget(before);
      const pixels = new Uint8Array(width * height * 4);
      try {
        await renderer.readRenderTargetPixelsAsync(target, 0, 0, width, height, pixels);
      } catch {
        // A lost context rejects with nothing at all; what it would have drawn is drawn when it is back.
        return undefined;
      }
      return new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
    },
    dispose() {
      material.dispose();
      target.dispose();
      quad.geometry.dispose();
    },
  };
}

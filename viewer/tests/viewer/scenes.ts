// Scenes with known answers: balls of a radius, written as the server writes meshes.
import { MeshoptEncoder } from "meshoptimizer/encoder";
import type { MeshFile, Organ } from "../../src/viewer/model/manifest.ts";
import type { Vec3 } from "../../src/viewer/model/vectors.ts";

export interface Written {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mesh: MeshFile;
}

/** A ball around a centre, of rings and sectors; every vertex lies on it to half a step. */
export async function ball(centre: Vec3, radiusMm: number, rings = 24): Promise<Written> {
  await MeshoptEncoder.ready;
  const sectors = rings * 2;
  const count = (rings + 1) * sectors;
  const step = (radiusMm * 2.2) / 65535;
  const origin: Vec3 = [centre[0] - radiusMm * 1.1, centre[1] - radiusMm * 1.1, centre[2] - radiusMm * 1.1];
  const positions = new Uint16Array(count * 4);
  const normals = new Float32Array(count * 4);
  for (let ring = 0; ring <= rings; ring += 1) {
    for (let sector = 0; sector < sectors; sector += 1) {
      const at = ring * sectors + sector;
      const [down, around] = [(ring / rings) * Math.PI, (sector / sectors) * 2 * Math.PI];
      const n = [Math.sin(down) * Math.cos(around), Math.sin(down) * Math.sin(around), Math.cos(down)];
      for (let axis = 0; axis < 3; axis += 1) {
        positions[at * 4 + axis] = Math.round(((centre[axis] ?? 0) + (n[axis] ?? 0) * radiusMm - (origin[axis] ?? 0)) / step);
        normals[at * 4 + axis] = n[axis] ?? 0;
      }
    }
  }
  const corners: number[] = [];
  for (let ring = 0; ring < rings; ring += 1) {
    for (let sector = 0; sector < sectors; sector += 1) {
      const [a, b] = [ring * sectors + sector, ring * sectors + ((sector + 1) % sectors)];
      const [c, d] = [a + sectors, b + sectors];
      corners.push(a, c, b, b, c, d);
    }
  }
  const indices = new Uint32Array(corners);
  const parts = [
    MeshoptEncoder.encodeVertexBuffer(new Uint8Array(positions.buffer), count, 8),
    MeshoptEncoder.encodeVertexBuffer(MeshoptEncoder.encodeFilterOct(normals, count, 4, 8), count, 4),
    MeshoptEncoder.encodeIndexBuffer(new Uint8Array(indices.buffer), indices.length, 4),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  const spans: [number, number][] = [];
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    spans.push([offset, part.length]);
    offset += part.length;
  }
  const [positions_ = [0, 0], normals_ = [0, 0], indices_ = [0, 0]] = spans;
  const mesh: MeshFile = {
    file: "view/coarse.bin",
    offset: 0,
    bytes: bytes.length,
    vertices: count,
    triangles: indices.length / 3,
    origin,
    step,
    streams: { positions: positions_, normals: normals_, indices: indices_, places: null },
    sha256: null,
  };
  return { bytes, mesh };
}

/** As the server writes it. */
export function organJson(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const mesh = {
    file: "view/coarse.bin",
    offset: 0,
    bytes: 300,
    vertices: 100,
    triangles: 200,
    origin: [0, 0, 0],
    step: 0.01,
    streams: { positions: [0, 100], normals: [100, 100], indices: [200, 100] },
    sha256: "0".repeat(64),
  };
  return {
    id,
    name: `The ${id}`,
    code: null,
    side: null,
    parent: null,
    colour: "#AA5544",
    label: 1,
    light: "green",
    reasons: [],
    volume_ml: 12.5,
    area_mm2: 3000,
    bounds_lps_mm: [
      [-10, -20, -30],
      [10, 20, 30],
    ],
    centre_lps_mm: [0, 0, 0],
    triangles: 60_000,
    distance_mean_mm: 0.1,
    distance_p95_mm: 0.3,
    statistics: null,
    meshes: {
      coarse: mesh,
      medium: { ...mesh, file: "view/medium.bin", triangles: 20_000 },
      full: { ...mesh, file: "view/full.bin", triangles: 60_000 },
    },
    ...more,
  };
}

export function sceneJson(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    format: "plastinate-view",
    version: 1,
    title: "Balls",
    unit: "mm",
    frame: "LPS",
    organs: [organJson("liver"), organJson("kidney")],
    groups: [],
    not_found: [],
    volume: null,
    labels: null,
    ...more,
  };
}

/** A scan of 8 voxels of 1 mm each way about the origin, in one brick. */
export const scanJson = {
  quantity: "HU",
  dtype: "int16",
  range: [-1000, 1000],
  unmeasured: null,
  scale: 1,
  offset: 0,
  window: { centre: 40, width: 400 },
  levels: [
    {
      file: "view/volume-0.bin",
      shape: [8, 8, 8],
      index_to_lps: [[0, 0, 1, -4], [0, 1, 0, -4], [1, 0, 0, -4], [0, 0, 0, 1]],
      brick: 64,
      grid: [1, 1, 1],
      bricks: [[0, 0, 5, 5]],
    },
  ],
};

export const withId = (organ: Organ, id: string): Organ => ({ ...organ, id });

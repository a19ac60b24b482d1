// Bytes of a mesh as they are sent -> arrays as the graphics card takes them.
import { MeshoptDecoder } from "meshoptimizer/decoder";
import type { MeshFile, Span } from "../model/manifest.ts";
import type { Mesh, MeshWish } from "./mesh_messages.ts";
import { LoadFailed, hasHash } from "./ranges.ts";

const POSITION_STRIDE = 8;
const NORMAL_STRIDE = 4;
const PLACE_STRIDE = 4;

/** Raises LoadFailed where the bytes are not what the manifest says. */
export async function decodeMesh(wish: MeshWish, bytes: Uint8Array<ArrayBuffer>): Promise<Mesh> {
  const { mesh } = wish;
  const place = `${wish.id} ${wish.level}`;
  if (!(await hasHash(bytes, mesh.sha256))) throw new LoadFailed("damaged", place);
  await MeshoptDecoder.ready;
  const positions = new Uint8Array(mesh.vertices * POSITION_STRIDE);
  const normals = new Uint8Array(mesh.vertices * NORMAL_STRIDE);
  const places = mesh.streams.places && new Uint8Array(mesh.vertices * PLACE_STRIDE);
  // Half the memory wherever sixteen bits will do.
  const width = mesh.vertices <= 0xffff ? 2 : 4;
  const indices = new Uint8Array(mesh.triangles * 3 * width);
  const part = ([offset, long]: Span) => bytes.subarray(offset, offset + long);
  const { streams } = mesh;
  try {
    const decode = MeshoptDecoder.decodeGltfBuffer;
    decode(positions, mesh.vertices, POSITION_STRIDE, part(streams.positions), "ATTRIBUTES");
    decode(normals, mesh.vertices, NORMAL_STRIDE, part(streams.normals), "ATTRIBUTES", "OCTAHEDRAL");
    if (places && streams.places) decode(places, mesh.vertices, PLACE_STRIDE, part(streams.places), "ATTRIBUTES");
    decode(indices, mesh.triangles * 3, width, part(streams.indices), "TRIANGLES");
  } catch (fault) {
    throw new LoadFailed("damaged", `${place}: ${String(fault)}`);
  }
  const corners = width === 2 ? new Uint16Array(indices.buffer) : new Uint32Array(indices.buffer);
  if (!isWithin(corners, mesh)) throw new LoadFailed("damaged", `${place}: a corner that is not there`);
  return {
    id: wish.id,
    level: wish.level,
    positions: new Uint16Array(positions.buffer),
    normals: new Int8Array(normals.buffer),
    indices: corners,
    places: places && new Uint16Array(places.buffer),
    origin: mesh.origin,
    step: mesh.step,
  };
}

function isWithin(corners: Uint16Array | Uint32Array, mesh: MeshFile): boolean {
  for (const corner of corners) if (corner >= mesh.vertices) return false;
  return true;
}

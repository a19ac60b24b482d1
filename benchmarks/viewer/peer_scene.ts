// What peer_files.py wrote, for both peers' pages.
export const DATA = "./data/";
/** Asked for before all others: what is measured is when it stands on the screen. */
export const FIRST = "lung-left";

export interface PeerOrgan {
  readonly id: string;
  readonly colour: string;
  readonly opacity: number;
  readonly vertices: number;
  readonly triangles: number;
}

export interface PeerScene {
  readonly organs: readonly PeerOrgan[];
  readonly shape: [number, number, number];
  readonly spacing: [number, number, number];
  readonly origin: [number, number, number];
  readonly direction: [number, number, number, number, number, number, number, number, number];
}

export const rgbOf255 = (colour: string): [number, number, number] =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];

// Ready-made looks. CT in Hounsfield units; MR from 0 (darkest percentile) to 1 (brightest).
//
// The values follow what the tissues measure (fat -120 to -60, soft tissue 20 to 80, vessels with contrast medium 130 to
// 400, spongy bone from 200, solid bone from 700 HU); the colours are those of the house, not of any tissue.

const point = (value: number, colour: string, opacity: number) => ({ value, colour, opacity });

export const DEFAULTS_CT = [
  {
    id: "ct-bone",
    name: "Bone",
    points: [point(140, "#8a4a3a", 0), point(240, "#b98a68", 0.12), point(450, "#e2d2b0", 0.5), point(1200, "#fffaf0", 0.85)],
  },
  {
    id: "ct-lung",
    name: "Lung",
    points: [point(-980, "#1c2733", 0), point(-900, "#54758f", 0.006), point(-780, "#a9c3d1", 0.02), point(-650, "#e8b8ac", 0.06),
      point(-500, "#d98c80", 0), point(-300, "#d98c80", 0)],
  },
  {
    id: "ct-vessels",
    name: "Vessels with contrast medium",
    points: [point(110, "#7d1f1a", 0), point(170, "#b2352b", 0.1), point(260, "#d9553f", 0.35), point(420, "#f0b08a", 0.5),
      point(900, "#fff3e0", 0.6)],
  },
  {
    id: "ct-soft-tissue",
    name: "Soft tissue",
    points: [point(-20, "#6b2f26", 0), point(20, "#9c4a3c", 0.02), point(60, "#c9705c", 0.08), point(120, "#dd9f86", 0.12),
      point(300, "#efe0c4", 0.3), point(1000, "#fffaf0", 0.6)],
  },
  {
    id: "ct-skin",
    name: "Skin",
    points: [point(-500, "#d8a58c", 0), point(-300, "#d8a58c", 0.25), point(-100, "#e8c0a8", 0.5), point(200, "#f2d9c6", 0.6)],
  },
];

export const DEFAULTS_MR = [
  {
    id: "mr-head",
    name: "Outer form",
    points: [point(0.12, "#6b5044", 0), point(0.22, "#c39a82", 0.12), point(0.5, "#e8cdb8", 0.3), point(1, "#fff6ea", 0.6)],
  },
  {
    id: "mr-bright",
    name: "Bright tissue",
    points: [point(0.55, "#4a5f78", 0), point(0.7, "#8fb0cc", 0.1), point(0.85, "#d6e6f0", 0.35), point(1, "#ffffff", 0.6)],
  },
  {
    id: "mr-soft",
    name: "Everything, thinly",
    points: [point(0.08, "#3a3040", 0), point(0.3, "#8a6a78", 0.01), point(0.6, "#d0a898", 0.03), point(1, "#fff2e0", 0.12)],
  },
];

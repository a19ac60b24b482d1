// Ours and the peers', built with the viewer's own Vite: see viewer_speed.py and first_organ.py.
export default {
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  build: { target: "es2022", chunkSizeWarningLimit: 4000, assetsInlineLimit: 0, modulePreload: { polyfill: false }, rollupOptions: { input: Object.fromEntries(["ours", "vtkjs", "vtkjs_first", "niivue_first"].map((name) => [name, `${name}.html`])) } },
  worker: { format: "es" },
};

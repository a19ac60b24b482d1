// Two pages, built with the viewer's own Vite: see viewer_speed.py.
export default {
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  build: { target: "es2022", chunkSizeWarningLimit: 4000, assetsInlineLimit: 0, modulePreload: { polyfill: false }, rollupOptions: { input: { ours: "ours.html", vtkjs: "vtkjs.html" } } },
  worker: { format: "es" },
};

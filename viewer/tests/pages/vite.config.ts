// Pages that only tests and benchmarks open: `vite build --config tests/pages/vite.config.ts --outDir <where>`.
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, rollupOptions: { input: { volume: "volume.html" } } },
  worker: { format: "es" },
});

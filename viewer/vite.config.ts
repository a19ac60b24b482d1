// Sources -> src/plastinate/web/static/built: one file for each entry, named by its content, and manifest.json.
// Nothing is inlined, because the pages' Content-Security-Policy allows no inline script, style or font.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  publicDir: false,
  build: {
    outDir: "../src/plastinate/web/static/built",
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rollupOptions: {
      input: {
        pages: "src/styles/pages.css",
        page: "src/pages/page.ts",
        case: "src/pages/case.ts",
        upload: "src/pages/upload.ts",
      },
    },
  },
});

// Sources -> src/plastinate/web/static/built: one file for each entry, named by its content, and manifest.json.
// Nothing is inlined, because the pages' Content-Security-Policy allows no inline script, style or font.
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

// The font is not code, so the list of licences does not know it.
const fontLicence: Plugin = {
  name: "font-licence",
  generateBundle() {
    const source = readFileSync("node_modules/@fontsource-variable/gelasio/LICENSE", "utf-8");
    this.emitFile({ type: "asset", fileName: "licence-of-the-font.txt", source });
  },
};

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [fontLicence],
  build: {
    outDir: "../src/plastinate/web/static/built",
    emptyOutDir: true,
    manifest: "manifest.json",
    // What others wrote and this carries, with their licences.
    license: { fileName: "licences.md" },
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rollupOptions: {
      input: {
        pages: "src/styles/pages.css",
        viewer: "src/styles/viewer.css",
        page: "src/pages/page.ts",
        case: "src/pages/case.ts",
        upload: "src/pages/upload.ts",
        view: "src/viewer/view.ts",
      },
    },
  },
});

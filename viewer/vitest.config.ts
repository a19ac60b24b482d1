import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/viewer/**/*.test.ts"], environment: "node" } });

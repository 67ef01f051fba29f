import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  test: { include: ["tests/*.test.ts"], pool: "forks", minWorkers: 4, maxWorkers: 4, testTimeout: 30_000 },
});

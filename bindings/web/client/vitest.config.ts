import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // When a test gives up: a limit, however slow the machine is. What one waits for comes as soon as it comes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // Each file has a server of its own.
    maxWorkers: 2,
  },
});

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const react18 = {
  react: at("../test/react-18/node_modules/react"),
  "react-dom": at("../test/react-18/node_modules/react-dom"),
  // Its modules can be given another React; what it is for `require` cannot.
  "@testing-library/react": at("../node_modules/@testing-library/react/dist/@testing-library/react.esm.js"),
};

const test = {
  environment: "happy-dom",
  // The tests' own requests go to servers on other ports.
  environmentOptions: { happyDOM: { settings: { fetch: { disableSameOriginPolicy: true } } } },
  // When a test gives up: a limit, however slow the machine is. What one waits for comes as soon as it comes.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
};

export default defineConfig({
  test: {
    // Each file has a server of its own.
    maxWorkers: 2,
    projects: [
      { test: { ...test, name: "react 19", include: ["test/**/*.test.{ts,tsx}"] } },
      {
        // The same tests of the hooks and of the components with the oldest React that is supported.
        resolve: { alias: react18 },
        test: {
          ...test,
          name: "react 18",
          include: ["test/hooks/**/*.test.{ts,tsx}"],
          server: { deps: { inline: [/@testing-library\/react/, /virtua/] } },
        },
      },
    ],
  },
});

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where the back end is while the page is worked on: `cargo run -p job-chat`. */
const BACK_END = process.env.JOB_CHAT_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  // The packages beside this one bring a React of their own, for their tests; the page has one.
  resolve: { dedupe: ["react", "react-dom"] },
  build: {
    // What would be put inline is refused by the page's own policy.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/api": BACK_END,
      "/chat": { target: BACK_END, ws: true },
    },
  },
});

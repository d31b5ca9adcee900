import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.js";
import "./styles/index.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has an element with the id `root`");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

import { createContext, useContext } from "react";
import { english, type Texts } from "./texts.js";

/** The texts of the components below. */
export const TextsContext = createContext<Texts>(english);

export const useTexts = (): Texts => useContext(TextsContext);

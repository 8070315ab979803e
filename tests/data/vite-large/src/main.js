import { createElement } from "react";
import { createRoot } from "react-dom/client";
import * as three from "three";
import "../../vite-app/src/main.js";

const VERSION = "two"; // the line by which the two builds differ

const ships = Object.keys(three).length;
const footer = createRoot(document.querySelector("footer"));
footer.render(createElement("p", { id: "version", "data-ships": ships }, `Version ${VERSION}`));
globalThis.three = three; // else most of it would be left out

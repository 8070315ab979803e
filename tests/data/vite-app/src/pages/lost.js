import { element } from "../element.js";

export function render() {
  return [element("h1", { textContent: "No ship has gone this way" })];
}

import { element } from "../element.js";
import anchor from "../anchor.svg";

export async function render() {
  const answer = await fetch("/api/tide");
  const { metres } = await answer.json();
  return [
    element("img", { src: anchor, alt: "An anchor", width: 96, height: 96 }),
    element("h1", { textContent: "Harbour" }),
    element("p", { id: "tide", textContent: `The tide stands at ${metres} m.` }),
  ];
}

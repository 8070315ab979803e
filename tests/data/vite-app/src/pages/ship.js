import "./ship.css";
import { element } from "../element.js";
import ship from "../ship.png";

export function render(name) {
  return [
    element("img", { src: ship, alt: "A ship", width: 160, height: 90, className: "ship" }),
    element("h1", { textContent: `The ship ${name}` }),
  ];
}

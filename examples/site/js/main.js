// Draws the month's curve, and draws it again as the slider moves.

import { DAYS, makeCurve, rises } from "./tide.js";

const WIDTH = 960;
const HEIGHT = 320;
const SVG = "http://www.w3.org/2000/svg";

const wasm = new URL("../wasm/add.wasm", import.meta.url);
const { instance } = await WebAssembly.instantiateStreaming(fetch(wasm));

let sums = 0;
function add(a, b) {
  sums += 1;
  return instance.exports.add(a, b);
}

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

function drawGrid(svg) {
  for (let day = 0; day <= DAYS; day += 5) {
    const x = (day / DAYS) * WIDTH;
    make("line", { x1: x, x2: x, y1: 0, y2: HEIGHT, class: "grid" }, svg);
    const label = make("text", { x: x + 6, y: HEIGHT - 8, class: "tick" }, svg);
    if (day < DAYS) label.textContent = `day ${day + 1}`;
  }
  make("line", { x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2, class: "sea" }, svg);
}

function draw(share) {
  sums = 0;
  const curve = makeCurve(share, add);
  const scale = HEIGHT / 2 / 2.1;
  const points = curve.map(({ day, height }) => {
    const x = (day / DAYS) * WIDTH;
    return `${x.toFixed(1)},${(HEIGHT / 2 - height * scale).toFixed(1)}`;
  });
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" });
  drawGrid(svg);
  make("polyline", { points: points.join(" "), class: "tide" }, svg);
  document.getElementById("curve").replaceChildren(svg);

  const { spring, neap } = rises(curve);
  document.getElementById("spring").textContent = `${spring.toFixed(2)} m`;
  document.getElementById("neap").textContent = `${neap.toFixed(2)} m`;
  document.getElementById("sums").textContent = sums.toLocaleString("en");
  document.getElementById("share").textContent = `${Math.round(share * 100)} %`;
}

const slider = document.getElementById("sun");
slider.addEventListener("input", () => draw(slider.value / 100));
draw(slider.value / 100);

import "./style.css";

// Each page is a chunk of its own, loaded when its route is first shown.
const ROUTES = [
  [/^\/$/, () => import("./pages/home.js")],
  [/^\/ships\/([^/]+)$/, () => import("./pages/ship.js")],
  [/^/, () => import("./pages/lost.js")],
];

async function show() {
  const path = decodeURIComponent(location.pathname);
  const [pattern, load] = ROUTES.find(([pattern]) => pattern.test(path));
  const { render } = await load();
  const main = document.querySelector("main");
  main.replaceChildren(...(await render(...pattern.exec(path).slice(1))));
  main.dataset.route = path;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
});
addEventListener("popstate", show);
show();

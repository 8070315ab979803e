// The app of ../vite-app with two large libraries in its main chunk. builds.tar.xz has what
// `npm run build` wrote: "old" of src/main.js with VERSION "one", "new" of the same with "two".
export default {
  publicDir: "../vite-app/public",
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, manifest: true },
};

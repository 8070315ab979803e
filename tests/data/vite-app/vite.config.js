// Writes ../vite-build, which is what the tests serve. Images stay files, however small they are.
export default {
  build: { outDir: "../vite-build", emptyOutDir: true, assetsInlineLimit: 0 },
};

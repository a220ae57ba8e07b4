import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the sources against a running server.
const server = process.env.MODELYARD_URL ?? 'http://127.0.0.1:5000';
const proxied = ['/api', '/ajax-api', '/get-artifact', '/model-versions', '/health', '/version'];

/** Asks for the text font together with the scripts: the first paint then has it. */
const preloadFont: Plugin = {
  name: 'preload-font',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle }) {
      const font = Object.keys(bundle ?? {}).find((file) => /inter-latin-(?!ext).*\.woff2$/.test(file));
      if (font === undefined) return [];
      const attrs = { rel: 'preload', href: `./${font}`, as: 'font', type: 'font/woff2', crossorigin: true };
      return [{ tag: 'link', attrs, injectTo: 'head' }];
    },
  },
};

export default defineConfig({
  plugins: [svelte(), preloadFont],
  // Every reference stays relative to <base href>, so that --static-prefix works without a rebuild.
  base: './',
  build: {
    target: 'es2022',
    manifest: true,
    // Inlined data: URIs would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // The server takes requests of its own origin only.
    proxy: Object.fromEntries(
      proxied.map((path) => [path, { target: server, changeOrigin: true, headers: { Origin: server } }]),
    ),
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
  },
});

// Debian's Chromium, and pages that fail the test when anything goes wrong in them.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a browser with an empty profile. */
export async function startBrowser() {
  const profile = await mkdtemp(join(tmpdir(), 'modelyard-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
  });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => {
      window.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
    });
  });
  return {
    context,
    newPage: (options) => newPage(context, options),
    async stop() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * A page; `page.problems` collects what must not happen: script errors, refused resources, dialogs. Requests
 * that are meant to fail are named by a part of their address in `expectedFailures`.
 */
async function newPage(context, { colorScheme = 'light', width = 1440, height = 900, expectedFailures = [] } = {}) {
  const page = await context.newPage();
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize({ width, height });
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(`script error: ${error.message}`));
  page.on('console', (message) => {
    const where = message.location().url;
    const expected = expectedFailures.some((part) => where.includes(part));
    if (message.type() === 'error' && !expected) page.problems.push(`console: ${message.text()} (${where})`);
  });
  page.on('dialog', (dialog) => {
    page.problems.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return page;
}

/** Nothing went wrong in the page, and its Content-Security-Policy had nothing to refuse. */
export async function assertSound(page) {
  const violations = await page.evaluate(() => window.violations);
  assert.deepEqual([...page.problems, ...violations], []);
}

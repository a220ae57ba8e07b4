// Accessibility: what axe finds wrong in a page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** No violation of any weight on the page as it is now. */
export async function assertAccessible(page, what) {
  // Colours in the middle of a transition belong to no theme.
  await page.evaluate(async () => {
    const ends = (animation) => animation.effect?.getComputedTiming().endTime !== Infinity;
    await Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished));
  });
  // Evaluated by the debugger and not by the page, which the page's policy allows.
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const found = violations
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ')}`);
  assert.deepEqual(found, [], what);
}

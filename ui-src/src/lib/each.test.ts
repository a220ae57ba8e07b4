import { expect, it } from 'vitest';
import { each } from './each';

it('does all it can and tells the first failure', async () => {
  const { done, error } = await each([1, 2, 3, 4, 5, 6, 7, 8], async (n) => {
    if (n % 4 === 0) throw new Error(`not ${n}`);
  });
  expect(done.sort()).toEqual([1, 2, 3, 5, 6, 7]);
  expect(error).toEqual(new Error('not 4'));
});

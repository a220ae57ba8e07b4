import { describe, expect, it } from 'vitest';
import { Leaving } from './leaving';

describe('leaving', () => {
  it('has begun as soon as the removal is asked for', async () => {
    const leaving = new Leaving();
    const done = leaving.after(Promise.resolve());
    expect(leaving.begun).toBe(true);
    await done;
    expect(leaving.begun).toBe(true);
  });

  it('is over when the removal is refused', async () => {
    const leaving = new Leaving();
    await expect(leaving.after(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(leaving.begun).toBe(false);
  });
});

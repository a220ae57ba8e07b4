// The same for many things: a few requests at a time, one report at the end.

const AT_ONCE = 6;

/** Calls `work` for each item, a few at a time; answers the items that went through and the first error. */
export async function each<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<{ done: Item[]; error: unknown }> {
  const done: Item[] = [];
  let error: unknown;
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await work(item);
        done.push(item);
      } catch (cause) {
        error ??= cause;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { done, error };
}

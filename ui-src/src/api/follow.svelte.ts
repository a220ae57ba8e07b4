// Pages whose changes do not come over the event stream ask for them, as long as they are looked at.
import { untrack } from 'svelte';
import { isAbort } from './error';
import { live } from './events.svelte';
import { listEvents } from './registry';

const ASK_MS = 3_000;

/**
 * Calls `ask` now and then until the returned function is called, not while the page is hidden. Whether it
 * succeeds is what the top bar says.
 */
export function poll(ask: (signal: AbortSignal) => Promise<void>): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const round = async () => {
    clearTimeout(timer);
    try {
      if (!document.hidden) {
        await ask(abort.signal);
        if (!abort.signal.aborted) live.state = 'open';
      }
    } catch (error) {
      if (!abort.signal.aborted && !isAbort(error)) live.state = 'lost';
    }
    if (!abort.signal.aborted) timer = setTimeout(() => void round(), ASK_MS);
  };
  const onVisibility = () => {
    if (document.hidden) live.state = 'off';
    else void round();
  };

  document.addEventListener('visibilitychange', onVisibility);
  live.state = 'connecting';
  // Called from effects, which must not come to depend on what the asking reads and changes.
  untrack(() => void round());
  return () => {
    abort.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisibility);
    live.state = 'off';
  };
}

/** Calls `changed` whenever the audit trail has grown: that of one registered model, or of all. */
export function followRegistry(name: string | undefined, changed: () => void): () => void {
  let newest: string | undefined;
  return poll(async (signal) => {
    const { events } = await listEvents({ name, max_results: 1 }, signal);
    const latest = events[0]?.event_id ?? '';
    if (newest !== undefined && latest !== newest) changed();
    newest = latest;
  });
}

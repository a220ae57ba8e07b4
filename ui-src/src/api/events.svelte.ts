// The server's changes as they happen, over server-sent events.

import type { Change } from './client';

export interface Listener {
  change(change: Change): void;
  /** Changes may have been missed: read everything again. */
  resync(): void;
}

/** Shown in the top bar. `off` while no page listens. */
export const live = $state<{ state: 'off' | 'connecting' | 'open' | 'lost' }>({ state: 'off' });

/** After a failed attempt the browser may give up; we try again after this long. */
const RETRY_MS = 3_000;

/**
 * Listens until the returned function is called. A hidden page gives its connection back, since browsers
 * allow only six to a host; shown again, it connects and resyncs.
 */
export function listen(filter: { experiment_id?: string; run_id?: string }, listener: Listener): () => void {
  const url = new URL('api/modelyard/v1/events', document.baseURI);
  for (const [name, value] of Object.entries(filter)) if (value) url.searchParams.set(name, value);

  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let missed = false;

  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };
  const open = () => {
    close();
    live.state = missed ? 'lost' : 'connecting';
    source = new EventSource(url);
    source.onopen = () => {
      live.state = 'open';
      // Also the first time: the page has read while it was connecting, and what changed in between was told to nobody.
      listener.resync();
      missed = false;
    };
    source.onerror = () => {
      live.state = 'lost';
      missed = true;
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    };
    source.addEventListener('change', (event) => listener.change(JSON.parse(event.data) as Change));
    source.addEventListener('resync', () => listener.resync());
  };
  const onVisibility = () => {
    if (document.hidden) {
      missed = true;
      close();
      live.state = 'off';
    } else open();
  };

  document.addEventListener('visibilitychange', onVisibility);
  if (document.hidden) missed = true;
  else open();
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    close();
    live.state = 'off';
  };
}

/** Calls `run` soon after the first call and then at most once per `ms`, always after the last call. */
export function throttled(run: () => void, ms: number): { call(): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  return {
    call() {
      if (timer !== undefined) return;
      const wait = Math.max(120, last + ms - Date.now());
      timer = setTimeout(() => {
        timer = undefined;
        last = Date.now();
        run();
      }, wait);
    },
    cancel() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

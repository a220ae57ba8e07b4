import { isAbort } from '../api/error';

/** One thing read from the server: the newest answer wins, the last good data stays while it reloads. */
export class Resource<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<unknown>(undefined);
  loading = $state(false);
  #abort: AbortController | undefined;

  constructor(private readonly read: (signal: AbortSignal) => Promise<T>) {}

  async load(): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.loading = true;
    try {
      const data = await this.read(abort.signal);
      if (abort.signal.aborted) return;
      this.data = data;
      this.error = undefined;
    } catch (error) {
      if (abort.signal.aborted || isAbort(error)) return;
      this.error = error;
    }
    this.loading = false;
  }

  stop(): void {
    this.#abort?.abort();
    this.loading = false;
  }
}

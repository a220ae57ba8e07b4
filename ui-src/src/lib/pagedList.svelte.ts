import { isAbort } from '../api/error';

/** One page of rows and how to ask for the next. */
export interface Page<Row> {
  rows: Row[];
  next?: string | null | undefined;
}

/** The most rows kept in the browser. */
export const ROWS_MAX = 50_000;

/** Above this many loaded rows a live change refreshes the first page only. */
const REFRESH_ROWS_MAX = 2_000;

/**
 * A server-side list that grows as it is scrolled. Rows live in one raw array: proxies around thousands of
 * rows would cost more than the page itself.
 */
export class PagedList<Row> {
  rows = $state.raw<Row[]>([]);
  next = $state.raw<string | undefined>(undefined);
  error = $state.raw<unknown>(undefined);
  loading = $state(false);
  /** True once the first answer, good or bad, is there. */
  settled = $state(false);
  /** Keys of the rows that the last refresh brought. */
  fresh = $state.raw<ReadonlySet<string>>(new Set());
  #abort: AbortController | undefined;
  /** A refresh was asked for while another request was under way. */
  #stale = false;

  constructor(
    private readonly fetchPage: (token: string | undefined, signal: AbortSignal) => Promise<Page<Row>>,
    private readonly key: (row: Row) => string,
  ) {}

  get complete(): boolean {
    return this.settled && this.next === undefined;
  }

  /** Begins anew: another query, or the first. The old rows stay until the answer is there. */
  async start(): Promise<void> {
    this.#stale = false;
    await this.#run(async (signal) => {
      const page = await this.fetchPage(undefined, signal);
      return () => {
        this.fresh = new Set();
        this.#show(page.rows, page.next);
      };
    });
  }

  /** Loads the next page, if there is one and nothing else is under way. */
  async more(): Promise<void> {
    const token = this.next;
    if (token === undefined || this.loading || this.error || this.rows.length >= ROWS_MAX) return;
    await this.#run(async (signal) => {
      const page = await this.fetchPage(token, signal);
      return () => {
        const known = new Set(this.rows.map(this.key));
        this.#show([...this.rows, ...page.rows.filter((row) => !known.has(this.key(row)))], page.next);
      };
    });
  }

  /** Loads all pages that are left. */
  async all(): Promise<void> {
    while (this.next !== undefined && !this.error && this.rows.length < ROWS_MAX) {
      const before = this.rows.length;
      await this.more();
      if (this.rows.length === before) return;
    }
  }

  /** Shows rows that were read earlier, for instance before another page was visited. `refresh` should follow. */
  resume(rows: Row[], next: string | undefined): void {
    this.#show(rows, next);
    this.settled = true;
  }

  /**
   * Reads what is loaded again, without a flicker; after the request under way, if there is one. A very long list
   * gets a new first page and keeps its tail.
   */
  async refresh(): Promise<void> {
    if (this.loading) {
      this.#stale = true;
      return;
    }
    const wanted = this.rows.length;
    await this.#run(async (signal) => {
      const first = await this.fetchPage(undefined, signal);
      if (wanted > REFRESH_ROWS_MAX) {
        const fresh = new Set(first.rows.map(this.key));
        const tail = this.rows.filter((row) => !fresh.has(this.key(row)));
        return () => this.#showFresh([...first.rows, ...tail], this.next);
      }
      const rows = [...first.rows];
      let next = first.next;
      while (next && rows.length < wanted) {
        const page: Page<Row> = await this.fetchPage(next, signal);
        rows.push(...page.rows);
        next = page.next;
      }
      return () => this.#showFresh(rows, next);
    });
  }

  stop(): void {
    this.#stale = false;
    this.#abort?.abort();
    this.loading = false;
  }

  #showFresh(rows: Row[], next: Page<Row>['next']): void {
    const known = new Set(this.rows.map(this.key));
    this.fresh = new Set(rows.map(this.key).filter((key) => !known.has(key)));
    this.#show(rows, next);
  }

  #show(rows: Row[], next: Page<Row>['next']): void {
    this.rows = rows;
    this.next = next ?? undefined;
  }

  async #run(work: (signal: AbortSignal) => Promise<() => void>): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.loading = true;
    try {
      const show = await work(abort.signal);
      if (abort.signal.aborted) return;
      show();
      this.error = undefined;
    } catch (error) {
      if (abort.signal.aborted || isAbort(error)) return;
      this.error = error;
    }
    this.settled = true;
    this.loading = false;
    if (this.#stale) {
      this.#stale = false;
      void this.refresh();
    }
  }
}

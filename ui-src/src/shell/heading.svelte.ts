import type { Snippet } from 'svelte';

/** One step of the way to the page that is shown; the last has no address. */
export interface Crumb {
  label: string;
  href?: string;
}

/** The top bar as a page fills it: the way here, what stands beside the title, what can be done. */
export interface PageHead {
  crumbs: Crumb[];
  beside?: Snippet;
  actions?: Snippet;
}

class Heading {
  current = $state.raw<PageHead>({ crumbs: [] });

  /** Sets the bar and the window's title; for `$effect`, which it tells how to clear them. */
  set(head: PageHead): () => void {
    this.current = head;
    document.title = [...head.crumbs.map(({ label }) => label).reverse(), 'Modelyard'].join(' · ');
    return () => {
      this.current = { crumbs: [] };
    };
  }
}

export const heading = new Heading();

// Keys that work wherever the focus is not in a field. Pages add theirs while they are shown.
import { untrack } from 'svelte';

export interface Shortcut {
  /** One key, or two pressed after each other: `/`, `g e`. */
  keys: string;
  label: string;
  run: () => void;
}

/** The second key of a pair must follow within this time. */
const PAIR_MS = 1_200;

class Shortcuts {
  all = $state.raw<Shortcut[]>([]);
  helpOpen = $state(false);
  #pending: { key: string; at: number } | undefined;

  /** Adds shortcuts; the answer takes them away again. */
  add(...shortcuts: Shortcut[]): () => void {
    // Called from effects, which must not come to depend on the list they change.
    this.all = [...untrack(() => this.all), ...shortcuts];
    return () => {
      this.all = this.all.filter((shortcut) => !shortcuts.includes(shortcut));
    };
  }

  onKeyDown(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
    const pair = this.#pending && Date.now() - this.#pending.at < PAIR_MS ? `${this.#pending.key} ${event.key}` : '';
    this.#pending = undefined;
    const found = this.all.findLast((shortcut) => shortcut.keys === pair || shortcut.keys === event.key);
    if (found) {
      event.preventDefault();
      found.run();
    } else if (this.all.some((shortcut) => shortcut.keys.startsWith(`${event.key} `))) {
      this.#pending = { key: event.key, at: Date.now() };
    }
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
    !(target instanceof HTMLInputElement && /^(?:checkbox|radio|range|button)$/.test(target.type));
}

export const shortcuts = new Shortcuts();

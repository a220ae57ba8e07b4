import { messageOf } from '../api/error';

/** A short message at the page's foot, with at most one action. */
export interface Toast {
  id: number;
  tone: 'plain' | 'bad';
  text: string;
  action?: { label: string; run: () => void } | undefined;
}

const SHOWN_MS = 6_000;
const SHOWN_MS_WITH_ACTION = 10_000;
const SHOWN_MAX = 4;

class Toasts {
  all = $state.raw<Toast[]>([]);
  #nextId = 1;

  show(text: string, options: { tone?: Toast['tone']; action?: Toast['action'] } = {}): void {
    const id = this.#nextId;
    this.#nextId += 1;
    const toast: Toast = { id, tone: options.tone ?? 'plain', text, action: options.action };
    this.all = [...this.all, toast].slice(-SHOWN_MAX);
    setTimeout(() => this.dismiss(id), options.action ? SHOWN_MS_WITH_ACTION : SHOWN_MS);
  }

  fail(error: unknown): void {
    this.show(messageOf(error), { tone: 'bad' });
  }

  dismiss(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();

import { load, save } from '../lib/storage';

export type Theme = 'system' | 'light' | 'dark';

const isTheme = (value: unknown): value is Theme => value === 'light' || value === 'dark' || value === 'system';

/** The chosen theme and the one in effect. `public/theme.js` applies the choice before the first paint. */
class ThemeSwitch {
  choice = $state<Theme>(load('theme', 'system', isTheme));
  #system = window.matchMedia('(prefers-color-scheme: dark)');
  #systemDark = $state(this.#system.matches);
  dark = $derived(this.choice === 'system' ? this.#systemDark : this.choice === 'dark');

  constructor() {
    this.#system.addEventListener('change', (event) => (this.#systemDark = event.matches));
  }

  set(choice: Theme): void {
    this.choice = choice;
    save('theme', choice === 'system' ? undefined : choice);
    if (choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  }

  /** System, light, dark, and round again. */
  next(): void {
    this.set(this.choice === 'system' ? 'light' : this.choice === 'light' ? 'dark' : 'system');
  }
}

export const theme = new ThemeSwitch();

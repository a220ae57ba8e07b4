/** One step of the way to the page that is shown; the last has no address. */
export interface Crumb {
  label: string;
  href?: string;
}

/** What the top bar and the window's title say. Pages set it. */
class Heading {
  crumbs = $state.raw<Crumb[]>([]);

  set(crumbs: Crumb[]): void {
    this.crumbs = crumbs;
    const names = crumbs.map(({ label }) => label).reverse();
    document.title = [...names, 'Modelyard'].join(' · ');
  }
}

export const heading = new Heading();

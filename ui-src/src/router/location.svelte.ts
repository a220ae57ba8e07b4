// Where the browser is. Pages read it; links and `navigate` change it.
import { parseRoute, pathOf, pathOfMlflowHash, type Route } from './route';

type KnownRoute = Exclude<Route, { page: 'unknown' }>;

const base = (): string => new URL('.', document.baseURI).pathname;

const belowBase = (pathname: string): string => (pathname.startsWith(base()) ? pathname.slice(base().length) : pathname);

const currentPath = (): string => belowBase(window.location.pathname);

/** The route that a link's path leads to. */
export const routeOf = (pathname: string): Route => parseRoute(belowBase(pathname));

/** The query that each page was left with. */
const queries = new Map<string, string>();

class Place {
  path = $state(currentPath());
  query = $state.raw(new URLSearchParams(window.location.search));
  route: Route = $derived(parseRoute(this.path));

  read(): void {
    queries.set(this.path, this.query.toString());
    this.path = currentPath();
    this.query = new URLSearchParams(window.location.search);
  }
}

export const place = new Place();

/** The address of a route for `href`, relative to the base. */
export function href(route: KnownRoute, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  return pathOf(route) + (search ? `?${search}` : '');
}

/** The address of a page as it was left: with its search, sort and view. */
export function hrefAsLeft(route: KnownRoute): string {
  const query = queries.get(pathOf(route));
  return pathOf(route) + (query ? `?${query}` : '');
}

/** Goes to an address relative to the base, with a new entry in the history. */
export function navigate(address: string, { replace = false } = {}): void {
  const url = new URL(address, document.baseURI);
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  place.read();
}

/** Changes the query of this page in place; empty values are left out. */
export function setQuery(changes: Record<string, string>): void {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  const search = query.toString();
  history.replaceState(null, '', window.location.pathname + (search ? `?${search}` : ''));
  place.read();
}

/** Starts following links and the history; answers the function that stops it. */
export function startRouter(): () => void {
  const fromHash = pathOfMlflowHash(window.location.hash);
  if (fromHash !== undefined) navigate(fromHash, { replace: true });

  const onPop = () => {
    const path = pathOfMlflowHash(window.location.hash);
    if (path === undefined) place.read();
    else navigate(path, { replace: true });
  };
  window.addEventListener('popstate', onPop);
  document.addEventListener('click', onClick);
  return () => {
    window.removeEventListener('popstate', onPop);
    document.removeEventListener('click', onClick);
  };
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  if (url.origin !== window.location.origin || !url.pathname.startsWith(base())) return;
  // The API's own addresses are downloads and documents, not pages.
  if (/^(?:api|ajax-api|get-artifact|model-versions)(?:\/|$)/.test(url.pathname.slice(base().length))) return;
  event.preventDefault();
  navigate(url.pathname + url.search);
}

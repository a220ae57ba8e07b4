// Where a commit can be read in the browser. Pure.

/** The web page of a commit, for remotes in https or scp form; nothing for other remotes. */
export function commitLink(remote: string | undefined, commit: string): string | undefined {
  if (!remote || !/^[0-9a-f]{7,64}$/i.test(commit)) return undefined;
  const match =
    /^https?:\/\/(?:[^@/]+@)?([^/]+)\/(.+?)(?:\.git)?\/?$/.exec(remote) ??
    /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+?)(?:\.git)?\/?$/.exec(remote);
  if (!match) return undefined;
  const [, host = '', path = ''] = match;
  const middle = host.includes('gitlab') ? '/-/commit/' : host.includes('bitbucket') ? '/commits/' : '/commit/';
  return `https://${host}/${path}${middle}${commit}`;
}

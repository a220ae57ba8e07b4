import { describe, expect, it } from 'vitest';
import { commitLink } from './gitLink';
import { looksBinary, previewKind } from './preview';

describe('commitLink', () => {
  const commit = 'a1b2c3d4e5f6';
  it.each([
    ['https://github.com/acme/risk.git', `https://github.com/acme/risk/commit/${commit}`],
    ['git@github.com:acme/risk.git', `https://github.com/acme/risk/commit/${commit}`],
    ['ssh://git@host.example/team/repo', `https://host.example/team/repo/commit/${commit}`],
    ['https://user:secret@gitlab.com/a/b/c.git', `https://gitlab.com/a/b/c/-/commit/${commit}`],
  ])('%s', (remote, link) => expect(commitLink(remote, commit)).toBe(link));

  it('links nothing strange', () => {
    expect(commitLink('javascript:alert(1)//x/y', commit)).toBeUndefined();
    expect(commitLink('https://github.com/a/b', '<script>')).toBeUndefined();
    expect(commitLink(undefined, commit)).toBeUndefined();
  });
});

describe('preview', () => {
  it.each([
    ['plots/roc.PNG', 'image'],
    ['t.csv', 'csv'],
    ['a/b.tsv', 'tsv'],
    ['table.json', 'json'],
    ['README.md', 'markdown'],
    ['model/MLmodel', 'text'],
    ['estimator.html', 'text'],
    ['conda.yaml', 'text'],
    ['model.pkl', 'none'],
    ['noextension', 'none'],
    ['dir.csv/file', 'none'],
  ])('%s is %s', (path, kind) => expect(previewKind(path)).toBe(kind));

  it('tells bytes from text', () => {
    expect(looksBinary('PK\u0003\u0004\u0000')).toBe(true);
    expect(looksBinary('hello\n\tworld é 한국어')).toBe(false);
    expect(looksBinary('')).toBe(false);
  });
});

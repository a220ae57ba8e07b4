import { describe, expect, it } from 'vitest';
import { parseInline, parseMarkdown, safeHref } from './markdown';

describe('parseMarkdown', () => {
  it('reads blocks', () => {
    const kinds = parseMarkdown('# Title\n\ntext\nmore\n\n- a\n- b\n\n1. c\n\n> q\n\n```\ncode\n```\n---').map((b) => b.kind);
    expect(kinds).toEqual(['heading', 'paragraph', 'list', 'list', 'quote', 'code', 'rule']);
  });

  it('keeps markup as text', () => {
    expect(parseMarkdown('<img src=x onerror=alert(1)>')).toEqual([
      { kind: 'paragraph', children: [{ kind: 'text', text: '<img src=x onerror=alert(1)>' }] },
    ]);
  });

  it('ends an open code block at the end of the text', () => {
    expect(parseMarkdown('```\na\nb')).toEqual([{ kind: 'code', text: 'a\nb' }]);
  });
});

describe('parseInline', () => {
  it('reads emphasis, code and links', () => {
    expect(parseInline('**a** `b*c*` _d_ [e](https://x.y/z)')).toEqual([
      { kind: 'strong', children: [{ kind: 'text', text: 'a' }] },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: 'b*c*' },
      { kind: 'text', text: ' ' },
      { kind: 'em', children: [{ kind: 'text', text: 'd' }] },
      { kind: 'text', text: ' ' },
      { kind: 'link', href: 'https://x.y/z', children: [{ kind: 'text', text: 'e' }] },
    ]);
  });

  it('leaves names with underscores alone', () => {
    expect(parseInline('max_depth and min_samples_leaf')).toEqual([
      { kind: 'text', text: 'max_depth and min_samples_leaf' },
    ]);
  });

  it('links a bare address without the full stop behind it', () => {
    expect(parseInline('see https://x.y/z.')).toEqual([
      { kind: 'text', text: 'see ' },
      { kind: 'link', href: 'https://x.y/z', children: [{ kind: 'text', text: 'https://x.y/z' }] },
      { kind: 'text', text: '.' },
    ]);
  });

  it('links nothing that could run', () => {
    expect(parseInline('[x](javascript:alert`1`)')).toEqual([{ kind: 'text', text: '[x](javascript:alert`1`)' }]);
    expect(['javascript:alert(1)', 'data:text/html,x', '//x.y', '/api', ' https://x'].map(safeHref)).toEqual(
      Array(5).fill(undefined),
    );
  });
});

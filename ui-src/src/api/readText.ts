import { errorFrom, reach } from './error';

/** The beginning of a file as text. */
export interface TextHead {
  text: string;
  truncated: boolean;
  /** Size of the whole file where the server said it. */
  total: number | undefined;
}

/** Reads at most `limit` bytes of a file; of a longer one it asks the server for no more. */
export async function readTextHead(
  url: string,
  { size, limit, signal }: { size: number | undefined; limit: number; signal: AbortSignal },
): Promise<TextHead> {
  const headers: Record<string, string> = (size ?? 0) > limit ? { Range: `bytes=0-${limit - 1}` } : {};
  const answer = await reach(url, { headers, signal });
  if (!answer.ok) throw errorFrom(answer.status, await answer.json().catch(() => undefined));
  const total = totalSize(answer);
  const decoder = new TextDecoder();
  const reader = answer.body?.getReader();
  let text = '';
  let read = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value.subarray(0, Math.max(0, limit - read)), { stream: true });
    read += value.byteLength;
    if (read > limit) {
      await reader.cancel();
      break;
    }
  }
  return { text, truncated: read > limit || (total !== undefined && total > read), total };
}

function totalSize(answer: Response): number | undefined {
  const range = /\/(\d+)$/.exec(answer.headers.get('Content-Range') ?? '')?.[1];
  const size = range ?? answer.headers.get('Content-Length');
  return size === null ? undefined : Number(size);
}

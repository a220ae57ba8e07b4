/** A refused or failed request, with MLflow's error code where the server gave one. */
export class ApiError extends Error {
  override name = 'ApiError';

  constructor(
    message: string,
    /** HTTP status; 0 when there was no answer at all. */
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }

  get notFound(): boolean {
    return this.status === 404;
  }
}

/** The error in an answer's body, which is MLflow's JSON or anything at all. */
export function errorFrom(status: number, body: unknown): ApiError {
  const { message, error_code: code } = (typeof body === 'object' && body !== null ? body : {}) as {
    message?: unknown;
    error_code?: unknown;
  };
  return new ApiError(
    typeof message === 'string' && message !== '' ? message : `The server answered with status ${status}.`,
    status,
    typeof code === 'string' ? code : '',
  );
}

/** `fetch`, with "no answer" said in words. Aborts pass through unchanged. */
export async function reach(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(input, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError('The server does not answer. Is it still running?', 0, 'UNREACHABLE');
  }
}

/** True for the error of a request that was given up on purpose. */
export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';

/** Any thrown value as a sentence. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

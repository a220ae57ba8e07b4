// Prints each test with its outcome, the reasons of failures, and the counts on a line of their own.

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const begun = Date.now();
  for await (const { type, data } of events) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    const skipped = data.skip !== undefined;
    counts[type === 'test:fail' ? 'failed' : skipped ? 'skipped' : 'passed'] += 1;
    const mark = type === 'test:fail' ? 'FAILED' : skipped ? 'skipped' : 'ok';
    yield `${mark.padEnd(8)}${data.name} (${Math.round(data.details?.duration_ms ?? 0)} ms)\n`;
    if (type === 'test:fail') {
      const error = data.details?.error;
      yield `${error?.cause?.stack ?? error?.stack ?? String(error)}\n`;
    }
  }
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  for (const [outcome, count] of Object.entries(counts)) {
    if (count > 0) yield `  ${count} ${outcome}${outcome === 'passed' ? ` (${seconds}s)` : ''}\n`;
  }
}

// The runs tables left a moment ago, so that going back shows them at once and where they were.
import type { Columns, Run } from '../../api/client';
import type { Place } from '../../components/table/layout';

export interface Visit {
  columns: Columns | undefined;
  rows: Run[];
  next: string | undefined;
  place: Place | undefined;
}

const KEPT_MAX = 4;
const visits = new Map<string, Visit>();

/** What was shown for this experiment and query; each visit is taken up once. */
export function takeVisit(key: string): Visit | undefined {
  const visit = visits.get(key);
  visits.delete(key);
  return visit;
}

export function keepVisit(key: string, visit: Visit): void {
  visits.delete(key);
  visits.set(key, visit);
  const [oldest] = visits.keys();
  if (visits.size > KEPT_MAX && oldest !== undefined) visits.delete(oldest);
}

// Instants as answers, files and tables write them.

export function describeInstant(atMs: number): string;
export function describeInstant(atMs: number | null): string | null;
export function describeInstant(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

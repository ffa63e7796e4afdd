// The simplex of Nelder and Mead: the least of a function of a few numbers without its slope. Deterministic; it ends when
// the corners agree, or after so many steps.

export interface Minimum {
  readonly at: readonly number[];
  readonly value: number;
}

const STEPS_MAX = 20_000;

export function minimise(
  value: (at: readonly number[]) => number,
  start: readonly number[],
  tolerance = 1e-12,
): Minimum {
  const measure = (at: readonly number[]): Minimum => {
    const found = value(at);
    return { at, value: Number.isNaN(found) ? Number.POSITIVE_INFINITY : found };
  };
  let corners = [start, ...start.map((_, axis) => start.map((x, place) => x + (place === axis ? 0.5 : 0)))].map(
    measure,
  );
  for (let step = 0; step < STEPS_MAX; step += 1) {
    corners = corners.toSorted((one, other) => one.value - other.value);
    const best = corners[0] as Minimum;
    const worst = corners.at(-1) as Minimum;
    if (isClose(corners, tolerance)) return best;
    const others = corners.slice(0, -1);
    const centre = start.map((_, axis) => others.reduce((sum, { at }) => sum + (at[axis] ?? 0), 0) / others.length);
    const along = (share: number) => measure(centre.map((x, axis) => x + share * (x - (worst.at[axis] ?? 0))));
    const reflected = along(1);
    if (reflected.value < best.value) {
      const expanded = along(2);
      corners = [...others, expanded.value < reflected.value ? expanded : reflected];
    } else if (reflected.value < (others.at(-1) as Minimum).value) corners = [...others, reflected];
    else {
      const contracted = along(reflected.value < worst.value ? 0.5 : -0.5);
      corners =
        contracted.value < Math.min(worst.value, reflected.value)
          ? [...others, contracted]
          : corners.map(({ at }) => measure(at.map((x, axis) => ((best.at[axis] ?? 0) + x) / 2)));
    }
  }
  return corners.reduce((one, other) => (other.value < one.value ? other : one));
}

/** All corners in one place, and of one height. */
function isClose(corners: readonly Minimum[], tolerance: number): boolean {
  const [best, ...others] = corners;
  if (best === undefined || !Number.isFinite(best.value)) return false;
  return others.every(
    ({ at, value }) =>
      Math.abs(value - best.value) <= tolerance * (1 + Math.abs(best.value)) &&
      at.every((x, axis) => Math.abs(x - (best.at[axis] ?? 0)) <= 1e-7 * (1 + Math.abs(x))),
  );
}

// The timeline, page by page: lines are in one order, so the instant of the last one and how many of that instant were
// shown say where the next page begins, whatever has come since.

import type * as z from "zod";
import type { FoundProfile } from "#services/wire/lookup.ts";
import { TIMELINE_CURSOR } from "./sent.ts";
import { answerIdentity } from "./profile-answer.ts";
import type { timelineAnswer } from "./view-answer.ts";

const PAGE_LINES = 20;

export interface Page {
  readonly limit?: number | undefined;
  /** As TIMELINE_CURSOR. */
  readonly before?: string | undefined;
}

export function answerTimeline(
  found: FoundProfile,
  { limit = PAGE_LINES, before }: Page,
): z.input<typeof timelineAnswer> {
  const lines = found.profile.view.timeline;
  const from = before === undefined ? 0 : findStart(lines, before);
  const page = lines.slice(from, from + limit);
  const last = page.at(-1);
  const hasMore = from + page.length < lines.length;
  return {
    ...answerIdentity(found),
    lines: page.map((line) => ({ ...line })),
    next: last === undefined || !hasMore ? null : `${Date.parse(last.at)}.${countShown(lines, from + page.length)}`,
  };
}

function findStart(lines: FoundProfile["profile"]["view"]["timeline"], before: string): number {
  const [, atMs = "", shown = ""] = TIMELINE_CURSOR.exec(before) ?? [];
  const first = lines.findIndex(({ at }) => Date.parse(at) <= Number(atMs));
  if (first < 0) return lines.length;
  return Date.parse(lines[first]?.at ?? "") === Number(atMs) ? first + Number(shown) : first;
}

/** Of the instant of the last line before the place. */
function countShown(lines: FoundProfile["profile"]["view"]["timeline"], place: number): number {
  const at = lines[place - 1]?.at;
  return lines.slice(0, place).filter((line) => line.at === at).length;
}

// The home of a household or account: the shard of its birth. It hears of each event that puts an anchor in the group, or
// takes one from it, and tells nobody anything: whoever reads a profile reads its groups.

import type { AcceptedEvent } from "./acceptance.ts";
import { foldMember, groupPart, type GroupState } from "./group.ts";
import type { EventItem, RoutedIdentifier } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import { load, type Steps, type Workspace } from "./workspace.ts";

/** What the group's home is told, which is not its name; it stands where an order would. */
export function createPlaceItem(
  accepted: AcceptedEvent,
  meta: Pick<EventItem, "backfill" | "traceparent">,
  anchor: RoutedIdentifier,
  group: RoutedIdentifier,
): EventItem {
  return {
    kind: "event",
    component: group.birth,
    role: "place",
    ruling: null,
    source: accepted.source,
    eventId: accepted.event.eventId,
    recordedAt: accepted.recordedAt,
    ...meta,
    anchor: anchor.key,
    identifiers: [anchor],
    order: { ...group, value: "" },
    place: {
      occurredAt: accepted.event.occurredAt,
      left: accepted.event.group?.left === true,
      parent: accepted.event.group?.parent?.trim() ?? null,
    },
  };
}

export function* applyPlace(workspace: Workspace, item: EventItem): Steps<void> {
  const { order: group, place = null, anchor, recordedAt } = item;
  if (place === null || group === null) return;
  const part = groupPart(group.key);
  yield* load(workspace, [part]);
  const limits: LimitKind[] = [];
  workspace.write(part, foldMember(workspace.read<GroupState>(part), anchor, place, recordedAt, limits));
  for (const limit of limits) workspace.effects.push({ kind: "limit", limit });
}

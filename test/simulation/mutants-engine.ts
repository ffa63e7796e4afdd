// Planted bugs of the engine: duplicates, hand-overs, parked items, order of arrival.
import { type Mutant, patch } from "./mutant.ts";

export const ENGINE: readonly Mutant[] = [
  patch(
    "no-dedupe-at-home",
    "core/step.ts",
    'const duplicate = item.role === "anchor" ? findDuplicate(component, item, mark) : null;',
    'const duplicate = null as "later" | "earlier" | null;',
    { file: "core/step.ts", from: "rememberEvent(fragment.seen, mark, item.recordedAt);", to: "void findDuplicate;" },
  ),
  patch("parked-item-dropped", "core/step.ts", "    parked.push(carried);\n", ""),
  patch(
    "nothing-is-parked",
    "core/step.ts",
    "const isMissing = ({ local, birth }: RoutedIdentifier) => local && !component.held.has(birth);",
    'const isMissing = ({ local, birth }: RoutedIdentifier) => local && birth === "";',
  ),
  patch(
    "parked-items-do-not-ask",
    "core/step.ts",
    '      item: { kind: "absorb", component: missing, into: component.id, cause: causeOf(item, null) },',
    '      item: { kind: "absorb", component: component.id, into: component.id, cause: causeOf(item, null) },',
  ),
  patch("parked-items-applied-twice", "core/step.ts", "  abroad.parked = [];\n", ""),
  patch(
    "forwarder-keeps-items",
    "core/step.ts",
    "workspace.sends.push({ item: { ...item, component: present.forward }, event });",
    "",
  ),
  patch(
    "no-forwarder-left",
    "core/handover.ts",
    "  workspace.write(componentPart(id), forwarder);",
    "  workspace.write(componentPart(id), null);\n  void forwarder;",
  ),
  patch(
    "hand-over-acknowledged-early",
    "core/handover.ts",
    "  if (!item.last) return false;\n",
    "  component.held.add(item.from);\n  if (!item.last || item.parts.length > 6) return false;\n",
  ),
  patch("hand-over-acknowledged-twice", "core/handover.ts", "  arriving.delete(item.from);\n", ""),
  patch("timers-stay-behind-a-hand-over", "core/handover.ts", "      dropTimers(workspace, id, naming, record);\n", ""),
  patch(
    "rules-forgotten-at-a-hand-over",
    "core/handover.ts",
    "if (inForce !== null && inForce.sequence > (item.rules ?? 0)) {",
    "if (inForce !== null && inForce.sequence < 0) {",
  ),
  patch(
    "rules-look-before-the-cut",
    "core/rule-change.ts",
    '{ sequence, after: "" } satisfies RulesChange);\n    yield { kind: "cut" };',
    '{ sequence, after: "" } satisfies RulesChange);',
  ),
  patch("older-status-wins", "core/step.ts", "if (end.version >= item.version) return;", ""),
  patch("arrival-order-evidence", "core/assertion.ts", "if (isFirst) entry.first = stamp;", "entry.first = stamp;"),
  patch(
    "arrival-order-cart",
    "core/fragment.ts",
    "fragment.cart === null || compareCartActivities(activity, fragment.cart) > 0",
    "fragment.cart === null || activity.at > 0",
  ),
  patch(
    "arrival-order-ruling",
    "core/ruling.ts",
    "other === undefined || compareStamps(ruling.stamp, other.stamp) > 0",
    "true",
  ),
  patch("versions-off-by-one", "core/publication.ts", "record.version += 1", "record.version += 2"),
];

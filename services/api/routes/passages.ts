// What a profile went through, and what all passages add up to.

import { lookUpId } from "#services/wire/lookup.ts";
import type { Passage } from "#services/report/history.ts";
import { describeHolds } from "#services/report/quality.ts";
import type { Sheet } from "#services/report/sheet.ts";
import { topicNames } from "#services/config/topics.ts";
import { readHolds } from "#services/wire/hold-ledger.ts";
import { unlessClosing } from "../closing.ts";
import { requireLog } from "../command.ts";
import type { Handlers } from "../handler.ts";
import { ApiProblem } from "../problem.ts";
import { answerIdentity } from "../profile-answer.ts";
import { type ApiServices, read } from "../services.ts";

const PAGE_PASSAGES = 20;

export function createPassageRoutes(services: ApiServices): Pick<Handlers, "readTransitions" | "readReport"> {
  const { passages, closing } = services;

  return {
    async readTransitions({ params, query }) {
      const found = await read(services, query["at-least"], () => lookUpId(services, params.id));
      if (!found.found) throw new ApiProblem("not-found");
      await passages.catchUp();
      const page = passages.list(found.profile.profileId, query.before ?? "", query.limit ?? PAGE_PASSAGES);
      return {
        ...answerIdentity(found),
        transitions: page.passages.map(answerPassage),
        next: page.hasMore ? (page.passages.at(-1)?.transitionId ?? null) : null,
      };
    },
    async readReport({ params: { kind }, query: { since, until, nature } }) {
      await passages.catchUp();
      const asOf = new Date().toISOString();
      const written = passages.write(kind, {
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        ...(nature === undefined ? {} : { nature }),
      });
      const sheets = await unlessClosing(closing, written);
      const holds = kind === "quality" ? [await describeSources(services)] : [];
      return { kind, asOf, sheets: [...sheets, ...holds].map(answerSheet) };
    },
  };
}

async function describeSources(services: ApiServices): Promise<Sheet> {
  const { sources } = topicNames(services.loaded);
  const place = { topic: sources, schema: "SourceRecord" };
  return describeHolds((await requireLog(services, place, () => readHolds(services, sources))).latest);
}

function answerPassage({ atMs, touches, credit, reachable, decisive, ...passage }: Passage) {
  return {
    ...passage,
    at: new Date(atMs).toISOString(),
    reachable: [...reachable],
    decisive: [...decisive],
    touches: [...touches],
    credit: [...credit],
  };
}

function answerSheet({ name, title, rows }: Sheet) {
  const columns = Object.keys(rows[0] ?? {});
  return { name, title, columns, rows: rows.map((row) => columns.map((column) => row[column] ?? null)) };
}

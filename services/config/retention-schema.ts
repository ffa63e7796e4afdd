// How long people may be kept, in weft.yaml. The defaults are the French authority's (CNIL): three years, and of what comes from
// the person herself a click does, an opened message does not.

import * as z from "zod";
import { RETAINED } from "#core/retention.ts";
import { durationKey } from "./duration.ts";

const retentionRule = z.strictObject({
  purpose: z.string().min(1).meta({ description: "What they are kept for." }),
  whom: z.enum(RETAINED).meta({ description: "customers: have a valid order. prospects: all others." }),
  after: durationKey(
    "How long after she was last heard from herself, and of customers after the latest valid order; not while a case is open or a subscription stands.",
  ),
});

export const retention = z.strictObject({
  rules: z
    .array(retentionRule)
    .prefault([
      { purpose: "prospecting", whom: "prospects", after: "1095d" },
      { purpose: "customer relationship", whom: "customers", after: "1095d" },
    ])
    .meta({ description: "Of several for the same people the longest; without one they are kept." }),
  contacts: z
    .array(z.string().min(1))
    .default([
      "page-viewed",
      "product-viewed",
      "searched",
      "product-added",
      "product-removed",
      "cart-viewed",
      "checkout-started",
      "order-placed",
      "order-paid",
      "preference-stated",
      "consent-changed",
      "case-opened",
      "called",
      "message-clicked",
      "campaign-touched",
      "store-visited",
      "reviewed",
    ])
    .meta({ description: "Types of events that come from the person herself." }),
});

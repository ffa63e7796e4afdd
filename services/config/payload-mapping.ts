// How the value of a foreign topic (JSON, or Avro of a schema that is not ours) becomes a channel event: declared in
// weft.yaml beside its source, in the words of the mapping of files (mapping.ts). services/channel/payload-event.ts reads by it.

import * as z from "zod";

/** `customer.addresses[0].zip`: names of objects and places in lists, from the outside in. */
const PATH = /^[^.[\]\s]+(\[\d{1,4}\])*(\.[^.[\]\s]+(\[\d{1,4}\])*)*$/;
const path = z.string().regex(PATH, "expected a path such as customer.addresses[0].zip");

const payloadField = z
  .strictObject({
    path: path.optional(),
    cel: z.string().min(1).optional(),
    constant: z.string().optional(),
    values: z.record(z.string(), z.string()).optional(),
    otherwise: z.string().optional(),
  })
  .refine(
    ({ path: at, cel, constant }) => [at, cel, constant].filter((part) => part !== undefined).length === 1,
    "expected exactly one of path, cel, constant",
  )
  .refine(({ values, otherwise }) => otherwise === undefined || values !== undefined, "`otherwise` needs `values`")
  .meta({ title: "payload field" });

const payloadTime = z
  .strictObject({
    path: path.optional().meta({ description: "Where the time stands." }),
    cel: z.string().min(1).optional().meta({ description: "Instead of a path: CEL giving the time's text." }),
    format: z.string().min(1).default("iso").meta({
      description: "iso (ISO 8601), epoch-millis, epoch-seconds, or tokens as in the mapping of files.",
    }),
    zone: z.string().refine(isTimeZone, "expected a time zone such as UTC or Europe/Paris").default("UTC").meta({
      description: "Zone of a time in tokens.",
    }),
  })
  .refine(({ path: at, cel }) => (at === undefined) !== (cel === undefined), "expected exactly one of path, cel");

const lines = z.strictObject({
  each: path.meta({ description: "The list of lines; the paths below begin at one of them." }),
  productId: payloadField.meta({ description: "Product of a line; CEL here sees it as `line`." }),
  quantity: payloadField.meta({ description: "Whole number, negative for a return." }),
  unitPrice: payloadField.meta({ description: "Decimal in major units, rounded half-up to minor units." }),
});

export type FieldKind = "text" | "whole" | "money" | "flag";

/** The fields of each part; without a value for its first one, where that is needed, the part is left out. */
export const PART_FIELDS = {
  order: { needs: "orderId", fields: { orderId: "text", status: "text", currency: "text", total: "money" } },
  cart: { needs: null, fields: { cartId: "text", currency: "text", total: "money" } },
  case: { needs: "caseId", fields: { caseId: "text", motive: "text", channel: "text", status: "text" } },
  subscription: { needs: "subscriptionId", fields: { subscriptionId: "text", status: "text", productId: "text" } },
  search: { needs: "query", fields: { query: "text", results: "whole" } },
  product: { needs: "productId", fields: { productId: "text", category: "text", currency: "text", price: "money" } },
  message: { needs: "messageId", fields: { messageId: "text", campaignId: "text", channel: "text" } },
  touch: { needs: "channel", fields: { channel: "text", campaignId: "text", medium: "text" } },
  loyalty: { needs: null, fields: { programId: "text", tier: "text", points: "whole" } },
  group: {
    needs: "groupId",
    fields: { kind: "text", groupId: "text", role: "text", parent: "text", left: "flag" },
  },
  replaced: { needs: "namespace", fields: { namespace: "text", old: "text", new: "text" } },
} as const satisfies Record<string, { needs: string | null; fields: Record<string, FieldKind> }>;
export type MappedPart = keyof typeof PART_FIELDS;
const PARTS_WITH_LINES: readonly string[] = ["order", "cart"];

const when = z.string().min(1).optional().meta({ title: "CEL", description: "The part is there where this holds." });

function describePart(name: MappedPart) {
  const { needs, fields } = PART_FIELDS[name];
  const shape = Object.entries(fields).map(([field, kind]) => {
    const described = payloadField.meta({
      description: `${KINDS[kind]}${field === needs ? "; without it there is no such part" : ""}.`,
    });
    return [field, field === needs ? described : described.optional()] as const;
  });
  return z
    .strictObject({
      when,
      ...Object.fromEntries(shape),
      ...(PARTS_WITH_LINES.includes(name) ? { lines: lines.optional().meta({ description: "Its lines." }) } : {}),
    })
    .optional()
    .meta({ description: `The part \`${name}\`.` });
}

const KINDS: Readonly<Record<FieldKind, string>> = {
  text: "Text",
  whole: "Whole number",
  money: "Decimal in major units",
  flag: "true or false",
};

const parts = Object.fromEntries((Object.keys(PART_FIELDS) as MappedPart[]).map((name) => [name, describePart(name)]));

export const payloadMapping = z.strictObject({
  format: z.enum(["json", "avro"]).meta({
    description:
      "json: the topic's values are JSON objects. avro: records of a schema of the registry that is not ours.",
  }),
  eventId: payloadField.meta({ description: "De-duplication key of the event." }),
  type: payloadField.meta({ description: "Type of the event." }),
  occurredAt: payloadTime.meta({ description: "When it happened." }),
  identifiers: z
    .array(
      z.strictObject({
        namespace: z.string().min(1).meta({ description: "Namespace of the identifier." }),
        value: payloadField.meta({ description: "Value; an empty one is left out." }),
      }),
    )
    .default([])
    .meta({ description: "Identifiers of the event." }),
  traits: z
    .record(z.string(), payloadField)
    .default({})
    .meta({ description: "Trait to field; an empty one is left out." }),
  preferences: z.record(z.string(), payloadField).default({}).meta({ description: "Preference to field, likewise." }),
  consents: z
    .array(
      z.strictObject({
        when,
        purpose: payloadField.meta({ description: "Purpose; without one there is no such consent." }),
        channel: payloadField.optional().meta({ description: "Channel. Default: all." }),
        granted: payloadField.meta({ description: "true or false." }),
        proof: payloadField.optional().meta({ description: "What proves it." }),
      }),
    )
    .default([])
    .meta({ description: "Consents that a payload may hold." }),
  ...(parts as Record<MappedPart, (typeof parts)[string]>),
  note: payloadField.optional().meta({ description: "A note." }),
});

export type PayloadField = z.output<typeof payloadField>;
export type PayloadTime = z.output<typeof payloadTime>;
export type PayloadLines = z.output<typeof lines>;
export type PartMapping = { readonly when?: string; readonly lines?: PayloadLines } & Readonly<
  Record<string, PayloadField | PayloadLines | string | undefined>
>;
export type PayloadMapping = Omit<z.output<typeof payloadMapping>, MappedPart> &
  Partial<Readonly<Record<MappedPart, PartMapping>>>;

/** Names and places of a path, from the outside in. */
export function splitPath(text: string): (string | number)[] {
  return [...text.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([name, place]) => (place === undefined ? name : Number(place)));
}

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

// How a foreign file becomes channel events: declared in weft.yaml beside its source, so that no file needs code.
// One group of rows is one event. services/channel/csv.ts reads files by it.

import * as z from "zod";

/** Where a value comes from: a column as it stands, a CEL expression over `row`, or a constant. */
const field = z
  .strictObject({
    column: z.string().min(1).optional().meta({ description: "Name of a column; its text without surrounding space." }),
    cel: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "CEL over `row`, the columns of the group's first line, giving a string." }),
    constant: z.string().optional().meta({ description: "The same text for every event." }),
    values: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: "What stands for each of its values; any other value refuses the event." }),
    otherwise: z.string().optional().meta({ description: "What stands for any value that `values` does not name." }),
  })
  .refine(
    ({ column, cel, constant }) => [column, cel, constant].filter((part) => part !== undefined).length === 1,
    "expected exactly one of column, cel, constant",
  )
  .refine(({ values, otherwise }) => otherwise === undefined || values !== undefined, "`otherwise` needs `values`")
  .meta({ title: "field" });

const time = z
  .strictObject({
    column: z.string().min(1).optional().meta({ description: "Name of the column that holds the time." }),
    cel: z.string().min(1).optional().meta({
      description: "Instead of a column: CEL over `row` giving the time's text, such as a day and an hour joined.",
    }),
    format: z
      .string()
      .refine(
        (text) => ["yyyy", "M", "d"].every((token) => text.includes(token)),
        "expected a format with at least a year, a month and a day: yyyy-MM-dd",
      )
      .default("yyyy-MM-dd HH:mm:ss")
      .meta({
        description: "Tokens yyyy MM dd HH mm ss SSS, or M d H for one or two digits; anything else stands for itself.",
      }),
    zone: z.string().refine(isTimeZone, "expected a time zone such as UTC or Europe/Paris").default("UTC").meta({
      description: "Zone of the file's clock; a time that a change of clock repeats is read as the earlier one.",
    }),
    pick: z
      .enum(["earliest", "latest"])
      .default("earliest")
      .meta({ description: "Which time of the group's lines counts." }),
  })
  .refine(({ column, cel }) => (column === undefined) !== (cel === undefined), "expected exactly one of column, cel");

const lines = z.strictObject({
  productId: field.meta({ description: "Product of a line; CEL here sees that line." }),
  quantity: field.meta({ description: "Whole number, negative for a return." }),
  unitPrice: field.meta({
    description: "Decimal in major units, any number of decimals; rounded half-up to minor units per line.",
  }),
});

const order = z.strictObject({
  orderId: field.meta({ description: "Number of the order." }),
  status: field.optional().meta({ description: "Status of the order, where the file has one." }),
  currency: field.optional().meta({ description: "ISO 4217 code. Default: the source's currency." }),
  total: z
    .union([z.literal("sum-of-lines"), field])
    .default("sum-of-lines")
    .meta({ description: "A field in major units, or the exact sum of quantity x unitPrice, rounded half-up once." }),
  lines: lines.optional().meta({ description: "Lines of the order, one per row; repeated rows stay." }),
});

export const csvMapping = z.strictObject({
  format: z.literal("csv").meta({ description: "Files of rows; a name in .gz is unpacked while it is read." }),
  delimiter: z.string().length(1).default(",").meta({ description: "One character between values." }),
  encoding: z
    .enum(["utf-8", "windows-1252", "iso-8859-15"])
    .default("utf-8")
    .meta({ description: "How the file writes letters; a byte that does not fit refuses the file." }),
  decimalMark: z.enum([".", ","]).default(".").meta({ description: "Between whole and fraction of amounts." }),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: "Columns that the header must name; others are ignored." }),
  groupBy: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: "Columns whose equal values make one event, wherever in the file the rows stand." }),
  rowsMax: z
    .int()
    .positive()
    .default(2_000_000)
    .meta({ description: "Rows held while grouping, about 150 bytes each; a longer file is refused." }),
  eventId: field.meta({ description: "De-duplication key of the event." }),
  type: field.meta({ description: "Type of the event." }),
  occurredAt: time.meta({ description: "When it happened." }),
  recordedAt: time.optional().meta({ description: "When the source learned it. Default: occurredAt." }),
  identifiers: z
    .array(
      z.strictObject({
        namespace: z.string().min(1).meta({ description: "Namespace of the identifier." }),
        value: field.meta({ description: "Value; an empty one is left out." }),
      }),
    )
    .default([])
    .meta({ description: "Identifiers of the event." }),
  order: order.optional().meta({ description: "The order part." }),
  traits: z
    .record(z.string(), field)
    .default({})
    .meta({ description: "Trait name to field; an empty value is left out." }),
});

export type CsvMapping = z.output<typeof csvMapping>;
export type Field = z.output<typeof field>;
export type TimeField = z.output<typeof time>;

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

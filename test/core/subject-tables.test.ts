// The tables of a person's export, as a spreadsheet opens them.

import { equal, match } from "node:assert/strict";
import { test } from "node:test";
import { writeCsv } from "#services/wire/subject-export.ts";

test("a cell that a spreadsheet would run as a formula is text there; numbers and phone numbers stay (G1)", () => {
  const rows = ["=HYPERLINK(A1)", "@SUM(1)", "+33 6 39 98 00 17", "-12.5", "-1+cmd|A1", "Ana, B", 5];
  const lines = writeCsv(rows.map((value) => ({ value }))).split("\r\n");
  equal(lines.join("|"), `value|'=HYPERLINK(A1)|'@SUM(1)|+33 6 39 98 00 17|-12.5|'-1+cmd|A1|"Ana, B"|5|`);
  for (const line of lines) match(line, /^(?![=@])/);
});

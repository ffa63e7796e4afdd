// Tables of our documents, so that tests can hold them to the code.

import { readSource } from "./source.ts";

/** The rows of the first table behind a heading of the second level, as cells; without code marks unless they are kept. */
export function readTable(file: string, heading: string, { keepMarks = false } = {}): string[][] {
  const [, text = ""] = readSource(file).split(`## ${heading}\n`);
  const [, ...rows] = (text.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(1).map((row) =>
    row
      .slice(1, -1)
      .split(" | ")
      .map((cell) => (keepMarks ? cell : cell.replaceAll("`", "")).trim()),
  );
}

// Reading the repository's own source for the tests of the house: which files there are, what a file imports, and its
// code without comments and without the text inside strings. A scanner of a page, not a parser: enough to keep rules.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** Paths from the root, with slashes. Tracked files and new ones that git does not ignore; without git, all there are. */
export function listFiles(): string[] {
  try {
    const output = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const present = new Set(walkFiles(""));
    // The index may still name a file that was just removed.
    return [...new Set(output.split("\0"))].filter((path) => present.has(path)).toSorted();
  } catch {
    return walkFiles("").toSorted();
  }
}

function walkFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (["node_modules", ".weft", ".git"].includes(entry.name)) return [];
    return entry.isDirectory() ? walkFiles(path) : [path];
  });
}

export function readSource(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export interface SourceOptions {
  /** Keep the text inside quotes; comments go in either case. */
  readonly strings: boolean;
}

/** A slash begins a regular expression where a value may stand: after an operator, an opening bracket or a keyword. */
function beginsRegularExpression(before: string): boolean {
  const last = before.trimEnd();
  return last === "" || /[(,=:[!&|?{};<>+\-*%~^]$/.test(last) || /\b(return|typeof|case|in|of|void|throw)$/.test(last);
}

/** The code with comments (and, unless kept, strings and regular expressions) replaced by blanks; line breaks stay. */
export function stripComments(text: string, options: SourceOptions): string {
  let code = "";
  let position = 0;
  // One entry per open template: the depth of braces inside its current ${…}.
  const templates: number[] = [];
  const blank = (part: string): string => part.replace(/[^\n]/g, " ");
  const take = (end: number, isCode: boolean): void => {
    const part = text.slice(position, end);
    code += isCode ? part : blank(part);
    position = end;
  };
  const endOfQuoted = (quote: string): number => {
    let end = position + 1;
    while (end < text.length && text[end] !== quote && text[end] !== "\n") end += text[end] === "\\" ? 2 : 1;
    return end + 1;
  };
  const endOfRegularExpression = (): number => {
    let end = position + 1;
    let inClass = false;
    while (end < text.length && text[end] !== "\n" && (inClass || text[end] !== "/")) {
      if (text[end] === "[") inClass = true;
      if (text[end] === "]") inClass = false;
      end += text[end] === "\\" ? 2 : 1;
    }
    return end + 1;
  };
  /** From a backtick or the end of a ${…} to the next ${ or the closing backtick. */
  const takeTemplate = (): void => {
    let end = position + 1;
    for (; end < text.length; end++) {
      if (text[end] === "\\") end++;
      else if (text[end] === "`") {
        take(end + 1, options.strings);
        return;
      } else if (text.startsWith("${", end)) {
        take(end + 2, options.strings);
        templates.push(0);
        return;
      }
    }
    take(end, options.strings);
  };
  while (position < text.length) {
    const character = text[position] ?? "";
    const depth = templates.at(-1);
    if (text.startsWith("//", position)) {
      const end = text.indexOf("\n", position);
      take(end < 0 ? text.length : end, false);
    } else if (text.startsWith("/*", position)) {
      const end = text.indexOf("*/", position + 2);
      take(end < 0 ? text.length : end + 2, false);
    } else if (character === '"' || character === "'") take(endOfQuoted(character), options.strings);
    else if (character === "`") takeTemplate();
    else if (character === "/" && beginsRegularExpression(code)) take(endOfRegularExpression(), options.strings);
    else if (character === "}" && depth === 0) {
      templates.pop();
      takeTemplate();
    } else {
      if (depth !== undefined && character === "{") templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && character === "}") templates[templates.length - 1] = depth - 1;
      take(position + 1, true);
    }
  }
  return code;
}

export interface Import {
  readonly specifier: string;
  /** Erased at run time. */
  readonly isType: boolean;
}

const IMPORT_FROM = /^[ \t]*(import|export)\s+(type\s+)?[^"';]*?\bfrom\s*"([^"]+)"/gm;
const IMPORT_BARE = /(?:^[ \t]*import|\bimport\s*\()\s*"([^"]+)"/gm;

export function readImports(text: string): Import[] {
  const code = stripComments(text, { strings: true });
  const named = [...code.matchAll(IMPORT_FROM)].map((match) => ({
    specifier: match[3] ?? "",
    isType: match[2] !== undefined,
  }));
  const bare = [...code.matchAll(IMPORT_BARE)].map((match) => ({ specifier: match[1] ?? "", isType: false }));
  return [...named, ...bare];
}

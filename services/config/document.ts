// A YAML file that remembers where everything stands: paths of the parsed value back to line and column.

import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type ParsedNode,
  type Scalar,
  visit,
} from "yaml";
import { formatPath, type Problem, type ProblemCode } from "./problem.ts";

export class SourceDocument {
  readonly file: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #root: ParsedNode | null;
  readonly value: unknown;
  readonly syntaxProblems: readonly Problem[];

  constructor(file: string, text: string) {
    this.file = file;
    this.#text = text;
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      strict: true,
    });
    this.#root = document.contents;
    this.syntaxProblems = document.errors.map((error) =>
      this.#problemAt("yaml-syntax", [], error.message, error.pos[0]),
    );
    let value: unknown = null;
    if (document.errors.length === 0) {
      try {
        const selfHolding = findSelfHolding(document);
        if (selfHolding === null) value = document.toJS({ maxAliasCount: 100 });
        else
          this.syntaxProblems = [
            this.#problemAt("yaml-syntax", [], "expected a value: the alias stands inside what it names", selfHolding),
          ];
      } catch (error) {
        this.syntaxProblems = [
          this.#problemAt("yaml-syntax", [], error instanceof Error ? error.message : "unreadable", 0),
        ];
      }
    }
    this.value = value;
  }

  /** A problem with the value at `path`; where it is missing, with the innermost part of the path that is there. */
  problem(code: ProblemCode, path: readonly PropertyKey[], message: string): Problem {
    return this.#problemAt(code, path, message, this.#offsetOfValue(path));
  }

  /** A problem with the key itself. */
  problemWithKey(code: ProblemCode, path: readonly PropertyKey[], message: string): Problem {
    const parent = this.#find(path.slice(0, -1));
    const key = path.at(-1);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      const offset = isPair(pair) && isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      if (offset !== undefined) return this.#problemAt(code, path, message, offset);
    }
    return this.problem(code, path, message);
  }

  /** A problem at character `position` of the text at `path`, whichever way YAML quotes or folds that text. */
  problemInside(code: ProblemCode, path: readonly PropertyKey[], message: string, position: number): Problem {
    const node = this.#find(path);
    const offset =
      isScalar(node) && typeof node.value === "string" ? this.#offsetInside(node, node.value, position) : undefined;
    return this.#problemAt(code, path, message, offset ?? this.#offsetOfValue(path));
  }

  #problemAt(code: ProblemCode, path: readonly PropertyKey[], message: string, offset: number): Problem {
    const { line, col } = this.#lines.linePos(offset);
    return {
      code,
      file: this.file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path: formatPath(path),
      message,
    };
  }

  #find(path: readonly PropertyKey[]): Node | null | undefined {
    let node: unknown = this.#root;
    for (const part of path) {
      if (!isMap(node) && !isSeq(node)) return undefined;
      node = node.get(part, true);
    }
    return node as Node | null | undefined;
  }

  #offsetOfValue(path: readonly PropertyKey[]): number {
    for (let length = path.length; length >= 0; length--) {
      const range = this.#find(path.slice(0, length))?.range;
      if (range) return range[0];
    }
    return 0;
  }

  /** Block and folded texts differ from their source in white space only, so the n-th other character is the same in both. */
  #offsetInside(node: Scalar, value: string, position: number): number | undefined {
    if (!node.range) return undefined;
    let [offset] = node.range;
    const quote = node.type === "QUOTE_DOUBLE" ? '"' : node.type === "QUOTE_SINGLE" ? "'" : "";
    if (quote !== "") offset += 1;
    if (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED") offset = this.#text.indexOf("\n", offset) + 1;
    let left = value.slice(0, position).replace(/\s/g, "").length;
    for (; offset < node.range[1]; offset++) {
      const character = this.#text[offset] ?? "";
      if (/\s/.test(character)) continue;
      if (left === 0) return offset;
      if ((quote === '"' && character === "\\") || (quote === "'" && character === "'")) offset += 1;
      left -= 1;
    }
    return offset;
  }
}

/** Where an alias of a value stands inside that value, which would have no end; null: nowhere. */
function findSelfHolding(document: Document.Parsed): number | null {
  const anchored = new Map<string, unknown>();
  let found: number | null = null;
  visit(document, {
    Node(_key, node, path) {
      if (isAlias(node) && path.some((above) => above === anchored.get(node.source))) {
        found = node.range?.[0] ?? 0;
        return visit.BREAK;
      }
      if ((isCollection(node) || isScalar(node)) && node.anchor !== undefined) anchored.set(node.anchor, node);
      return undefined;
    },
  });
  return found;
}

// The reports as one page that needs nothing else: pictures by ECharts, inlined, and below each its table. What events
// bring (names of channels and campaigns) is text there, never markup or script.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EChartsOption } from "echarts";
import { NOBODY, showCell, showHead, type Sheet } from "./sheet.ts";

const STYLE = `body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.5rem}.picture{height:26rem}
.table{overflow:auto;max-height:32rem}table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}`;

/** Rows of a table. */
const SHOWN_MAX = 500;

export function writePage(title: string, sheets: readonly Sheet[]): string {
  const pictures = sheets.flatMap(({ name, rows }) => {
    const draw = PICTURES[name];
    return draw === undefined || rows.length === 0 ? [] : [{ name, option: draw(rows) }];
  });
  const sections = sheets.map((sheet) => {
    const picture = pictures.some(({ name }) => name === sheet.name);
    const frame = picture ? `<div class="picture" id="picture-${sheet.name}" role="img"></div>` : "";
    return `<section><h2>${escape(sheet.title)}</h2>${frame}<div class="table">${writeTable(sheet)}</div></section>`;
  });
  // `<` would end the script.
  const data = JSON.stringify(pictures).replaceAll("<", "\\u003c");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>${STYLE}</style></head><body><h1>${escape(title)}</h1>${sections.join("\n")}
<script>${readFileSync(fileURLToPath(import.meta.resolve("echarts/dist/echarts.min.js")), "utf8")}</script>
<script>for (const { name, option } of ${data}) {
  const chart = echarts.init(document.getElementById("picture-" + name));
  chart.setOption(option);
  addEventListener("resize", () => chart.resize());
}</script></body></html>
`;
}

function writeTable({ rows }: Sheet): string {
  const keys = Object.keys(rows[0] ?? {});
  const numeric = new Set(keys.filter((key) => rows.some((row) => typeof row[key] === "number")));
  const cell = (tag: "td" | "th", key: string, text: string) =>
    `<${tag}${numeric.has(key) ? ' class="number"' : ""}>${escape(text)}</${tag}>`;
  const head = keys.map((key) => cell("th", key, showHead(key))).join("");
  const body = rows
    .slice(0, SHOWN_MAX)
    .map((row) => `<tr>${keys.map((key) => cell("td", key, showCell(key, row[key] ?? null))).join("")}</tr>`);
  const more = rows.length - SHOWN_MAX;
  const rest = more > 0 ? `<p>… ${more} more rows: --json prints all</p>` : "";
  return rows.length === 0
    ? "none"
    : `<table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table>${rest}`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

type Draw = (rows: Sheet["rows"]) => EChartsOption;

const TEXT = { renderMode: "richText" } as const;

/** By the name of the sheet. */
const PICTURES: Readonly<Record<string, Draw>> = { matrix: drawMatrix, steps: drawSteps, attribution: drawAttribution };

function drawMatrix(rows: Sheet["rows"]): EChartsOption {
  const targets = Object.keys(rows[0] ?? {}).filter((key) => key !== "from");
  const sources = rows.map(({ from }) => String(from ?? NOBODY));
  const cells = rows.flatMap((row, y) => targets.map((target, x) => [x, y, Number(row[target])]));
  const max = Math.max(1, ...cells.map(([, , count]) => count ?? 0));
  return {
    aria: { enabled: true },
    tooltip: TEXT,
    grid: { left: 120, right: 40, top: 20, bottom: 90 },
    xAxis: { type: "category", data: targets, splitArea: { show: true } },
    yAxis: { type: "category", data: sources, name: "from", inverse: true, splitArea: { show: true } },
    visualMap: { min: 0, max, calculable: true, orient: "horizontal", left: "center", bottom: 10 },
    series: [{ type: "heatmap", data: cells, label: { show: true } }],
  };
}

/** A column a step: those who moved at it, from where they were to where they went. */
function drawSteps(rows: Sheet["rows"]): EChartsOption {
  const STEPS_MAX = 6;
  const links = rows
    .filter(({ step }) => Number(step) <= STEPS_MAX)
    .map(({ step, from, to, count }) => ({
      source: `${Number(step) - 1} ${from ?? "new"}`,
      target: `${Number(step)} ${to ?? "merged"}`,
      value: Number(count),
    }));
  const names = [...new Set(links.flatMap(({ source, target }) => [source, target]))];
  return {
    aria: { enabled: true },
    tooltip: TEXT,
    // Else whoever goes no further stands in the last column.
    series: [
      {
        type: "sankey",
        nodeAlign: "left",
        data: names.map((name) => ({ name })),
        links,
        emphasis: { focus: "adjacency" },
      },
    ],
  };
}

function drawAttribution(rows: Sheet["rows"]): EChartsOption {
  const targets = [...new Set(rows.map(({ to }) => String(to)))];
  const channels = [...new Set(rows.map(({ channel }) => String(channel)))];
  const creditOf = (target: string, channel: string) =>
    Number(rows.find((row) => String(row["to"]) === target && row["channel"] === channel)?.["timeDecayParts"] ?? 0) /
    1_000_000;
  return {
    aria: { enabled: true },
    tooltip: TEXT,
    legend: {},
    xAxis: { type: "category", data: targets },
    yAxis: { type: "value", name: "passages, by time-decay" },
    series: channels.map((channel) => ({
      name: channel,
      type: "bar",
      stack: "credit",
      data: targets.map((target) => creditOf(target, channel)),
    })),
  };
}

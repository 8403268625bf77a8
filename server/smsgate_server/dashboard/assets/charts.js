// Small charts, drawn as SVG. Each has a text beside it that says the same.

import { element, svg } from "./elements.js";

/** A sparkline that is drawn again in place. */
export class Sparkline {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.area = svg("path", { class: "spark-area" });
    this.line = svg("path", { class: "spark-line" });
    this.element = svg(
      "svg",
      {
        class: "spark",
        viewBox: `0 0 ${width} ${height}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
      this.area,
      this.line,
    );
  }

  draw(values) {
    const highest = Math.max(4, ...values);
    const step = this.width / (values.length - 1);
    const points = values.map((value, index) => {
      const y = this.height - 1 - (value / highest) * (this.height - 3);
      return `${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    });
    const line = `M${points.join("L")}`;
    if (this.line.getAttribute("d") === line) return;
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", `${line}L${this.width} ${this.height}L0 ${this.height}Z`);
  }
}

const WIDEST = 1060;
const NARROWEST = 620;
// What is beside a chart on both sides.
const MARGINS = 72;
const HEIGHT = 220;
const LEFT = 52;
const BOTTOM = 24;
const LABEL_WIDTH = 56;

/** As wide as its page allows, so that its letters are as large as others. */
export const chartWidth = () => Math.min(WIDEST, Math.max(NARROWEST, innerWidth - MARGINS));

/**
 * Bars of stacked parts: `periods` are [{label, parts: [{name, value}]}], `title` what a screen reader
 * hears, `written` how a value of the axis is written.
 */
export function bars(periods, title, written) {
  const width = chartWidth();
  const highest = niceCeiling(Math.max(1, ...periods.map(sum)));
  const chart = svg("svg", {
    class: "bars",
    viewBox: `0 0 ${width} ${HEIGHT}`,
    width,
    height: HEIGHT,
    role: "img",
    "aria-label": title,
  });
  for (const share of [0, 0.5, 1]) chart.append(...gridLine(share, highest, written, width));
  const step = (width - LEFT) / periods.length;
  const every = Math.ceil(LABEL_WIDTH / step);
  periods.forEach((period, index) => {
    const x = LEFT + index * step;
    chart.append(...column(period, x, Math.min(step * 0.66, 46), step, highest));
    if ((periods.length - 1 - index) % every === 0) {
      chart.append(label(x + step / 2, HEIGHT - 6, period.label, "middle"));
    }
  });
  const frame = element(
    "div",
    { class: "bars-frame", tabindex: "0", role: "group", "aria-label": title },
    chart,
  );
  // Where it does not fit, the newest periods are in sight.
  requestAnimationFrame(() => (frame.scrollLeft = frame.scrollWidth));
  return frame;
}

const sum = (period) => period.parts.reduce((total, part) => total + part.value, 0);

function column(period, x, width, step, highest) {
  let top = HEIGHT - BOTTOM;
  return period.parts
    .filter((part) => part.value > 0)
    .map((part) => {
      const height = Math.max(1, (part.value / highest) * (HEIGHT - BOTTOM - 10));
      top -= height;
      const bar = svg("rect", {
        x: (x + (step - width) / 2).toFixed(1),
        y: top.toFixed(1),
        width: width.toFixed(1),
        height: Math.max(0.5, height - 0.75).toFixed(1),
        rx: 1.5,
        class: "bar",
        "data-part": part.name,
      });
      bar.append(svg("title", { text: `${period.label}: ${part.value} ${part.name}` }));
      return bar;
    });
}

function gridLine(share, highest, written, width) {
  const y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 10);
  return [
    svg("line", { class: "grid", x1: LEFT, x2: width, y1: y, y2: y }),
    label(LEFT - 8, y + 4, written(share * highest), "end"),
  ];
}

function label(x, y, text, anchor) {
  return svg("text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, text });
}

/** The next round number, so that its half is one, too. */
export function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor =
    [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].find((candidate) => candidate * power >= value) ?? 10;
  return Math.max(2, factor * power);
}

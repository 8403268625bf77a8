// Making elements. Text is set as text and never parsed, so nothing from outside becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes; `on…` are listeners, `text` its text, true and false mean present or not. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null)
      made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Sets text only where it differs: a page that is open all day should not be laid out for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The shape and the word of a status. */
export function statusMark(status, word = status) {
  return element(
    "span",
    { class: "status", "data-status": status },
    statusShape(status),
    element("span", { text: word }),
  );
}

export function statusShape(status) {
  return svg(
    "svg",
    { class: "shape", "aria-hidden": "true" },
    svg("use", { href: `#status-${status}` }),
  );
}

/** Says a sentence to screen readers, once. */
export function say(sentence) {
  document.getElementById("spoken").textContent = sentence;
}

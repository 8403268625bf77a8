/** References to what was saved, and whether an answer has what was expected. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Fields = Record<string, Json>;

const REFERENCE = /\$\{([^}]+)\}/g;
const WHOLE = /^\$\{([^}]+)\}$/;
const ANYTHING = "*";

export function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value with every `${name.path}` replaced; an Error that names what was not saved. */
export function filled(value: Json, saved: Fields): Json {
  if (Array.isArray(value)) {
    return value.map((inner) => filled(inner, saved));
  }
  if (isFields(value)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v, saved)]));
  }
  if (typeof value !== "string") {
    return value;
  }
  const whole = WHOLE.exec(value);
  if (whole?.[1] !== undefined) {
    return found(whole[1], saved);
  }
  return value.replace(REFERENCE, (_, path: string) => text(found(path, saved)));
}

function text(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function found(path: string, saved: Fields): Json {
  let value: Json | undefined = saved;
  for (const name of path.split(".")) {
    if (Array.isArray(value)) {
      value = value[Number(name)];
    } else {
      value = isFields(value) ? value[name] : undefined;
    }
    if (value === undefined) {
      throw new Error(`nothing was saved as ${path}`);
    }
  }
  return value;
}

/** What `got` lacks of `expected`, for people; empty if nothing. */
export function difference(expected: Json, got: Json | undefined, path = ""): string {
  if (expected === null || expected === ANYTHING) {
    const wanted = expected !== null;
    const there = isThere(got);
    return there === wanted ? "" : `${path}: ${wanted ? "missing" : `is ${JSON.stringify(got)}`}`;
  }
  if (isFields(expected) && isFields(got)) {
    return first(Object.entries(expected), ([k, v]) => difference(v, got[k], `${path}.${k}`));
  }
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    return first([...expected.entries()], ([n, e]) =>
      difference(e, got[n], `${path}.${String(n)}`),
    );
  }
  const equal = JSON.stringify(expected) === JSON.stringify(got);
  return equal ? "" : `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
}

function isThere(value: Json | undefined): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length > 0;
  }
  return Boolean(value) && value !== "0";
}

function first<T>(items: T[], wrong: (item: T) => string): string {
  for (const item of items) {
    const found = wrong(item);
    if (found) {
      return found;
    }
  }
  return "";
}

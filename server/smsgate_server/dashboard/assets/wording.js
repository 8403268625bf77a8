// How values are written for people.

export const STATUSES = ["NEW", "PENDING", "DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED"];
export const FINAL = new Set(["DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED"]);

export const ALPHABETS = { ENCODING_GSM7: "GSM-7", ENCODING_UCS2: "UCS-2" };

const regions = new Intl.DisplayNames("en", { type: "region" });
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const moment = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  timeZoneName: "short",
});
const grouped = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** "MESSAGE_STATUS_NEW" → "NEW"; a name that is newer than this page stays readable. */
export const statusName = (value) => (value ?? "").replace("MESSAGE_STATUS_", "");
export const reasonName = (value) => plain((value ?? "").replace("STATUS_REASON_", ""));
export const plain = (name) =>
  name === "UNSPECIFIED" ? "" : name.toLowerCase().replaceAll("_", " ");
export const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/** "Italy" for "IT"; codes that belong to no country stay as they are. */
export function countryName(code) {
  if (!/^[A-Z]{2}$/.test(code)) return code || "none";
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

export const timeOfDay = (milliseconds) => clock.format(milliseconds);
export const momentOf = (timestamp) => (timestamp ? moment.format(new Date(timestamp)) : "");
export const count = (number) => grouped.format(Number(number));
export const shortCount = (number) =>
  number < 100_000 ? grouped.format(number) : compact.format(number);
export const percent = (share) => `${(share * 100).toFixed(1)} %`;

export function rate(perSecond) {
  return perSecond >= 100 || perSecond === 0
    ? grouped.format(Math.round(perSecond))
    : perSecond.toFixed(1);
}

/** A span of milliseconds, with as many digits as can be told apart. */
export function span(milliseconds) {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (milliseconds < 3_600_000) return `${(milliseconds / 60_000).toFixed(1)} min`;
  return `${(milliseconds / 3_600_000).toFixed(1)} h`;
}

/** google.type.Money without a float in between: 36000000 nanos are 0.036. */
export function money(amount) {
  if (!amount) return "";
  const nanos = Number(amount.nanos ?? 0);
  const units = String(amount.units ?? "0").replace("-", "");
  const negative = nanos < 0 || String(amount.units ?? "").startsWith("-");
  const decimals = String(Math.abs(nanos)).padStart(9, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${negative ? "−" : ""}${units}.${decimals} ${amount.currencyCode ?? ""}`.trim();
}

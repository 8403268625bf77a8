// A status event, and a message of the first page, as one row of the feed.

import { statusName } from "./wording.js";

/** When a message was accepted: its id is a UUIDv7, which begins with that time in milliseconds. */
export function acceptedAt(id) {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

export function rowOfEvent(event) {
  return {
    id: event.messageId,
    time: Date.parse(event.eventTime),
    from: statusName(event.fromStatus),
    status: statusName(event.toStatus),
    reason: event.reason ?? "",
    recipient: event.recipient ?? "",
    country: event.country ?? "",
    sender: event.sender ?? "",
    carrier: event.carrier ?? "",
    code: event.carrierCode ?? "",
    late: event.late ? statusName(event.lateStatus) : "",
    labels: event.labels ?? {},
  };
}

export function rowOfMessage(message) {
  return {
    id: message.id,
    time: Date.parse(message.updateTime),
    from: "",
    status: statusName(message.status),
    reason: message.reason ?? "",
    recipient: message.recipient ?? "",
    country: message.country ?? "",
    sender: message.sender ?? "",
    carrier: message.carrier ?? "",
    code: "",
    late: "",
    labels: message.labels ?? {},
  };
}

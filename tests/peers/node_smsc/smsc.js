// SMSCs on node-smpp that do as a test says. Commands are JSON lines on stdin, what happens is JSON
// lines on stdout; all have the number of the SMSC, {"smsc": M}. It ends when stdin does.
//
//   {"do": "open", "options": O}          listens on a port of its own: {"event": "listening"}
//   {"do": "close"}                       with all its sessions
//   {"do": "refuse", "how": "fin" or "rst" or null}       whoever connects from now on
//   {"do": "expect", "command": C, "answers": [A, ...]}   how the next PDUs C are answered
//   {"do": "always", "command": C, "answer": A}           and all those after them
//   {"do": "answer", "session": S, "command": C, "sequence": N, "answer": A}   one of long ago
//   {"do": "send", "session": S, "command": C, "sequence": N, "fields": {...}}
//   {"do": "write", "session": S, "hex": H}               bytes as they are, in one piece
//   {"do": "cut", "session": S, "how": "fin" or "rst"}
//   {"do": "pause" or "resume", "session": S}             reading
//
// Each is followed by {"event": "done"}. O, all of it optional:
//   drip: each byte is written by itself    alphabet: what data_coding 0 is, ASCII (which is GSM
//   key, cert, ca, …: TLS as Node has it              03.38 here) or LATIN1
//
// A, all of it optional:
//   silent: no answer at all                delay: milliseconds until it is sent
//   status: command_status                  body: with the body, though the status is not 0
//   fields: what the answer says            nack: generic_nack instead
//   shift: added to the sequence number     times: how often it is sent
//   before, after: PDUs in hex that go out in one piece with it
//   cut: "fin" or "rst", after it
'use strict';

const readline = require('readline');
const smpp = require('smpp');

const RESPONSE = 0x80000000;

// Octets as hex; names and texts as node-smpp has decoded them.
function readable(key, value) {
  return value && value.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value;
}

// node-smpp reads a time as a date only; how it was written counts too.
const readTime = smpp.filters.time.decode;
smpp.filters.time.decode = function (value) {
  return value && { text: value, seconds: (readTime.call(this, value) - Date.now()) / 1000 };
};

function encode(command, sequence, status, fields, withBody) {
  const values = { sequence_number: sequence, command_status: withBody ? 0 : status };
  const octets = new smpp.PDU(command, Object.assign(values, decoded(fields))).toBuffer();
  octets.writeUInt32BE(status, 8);
  return octets;
}

// {"hex": H} is octets.
function decoded(fields) {
  const isOctets = (value) => value && typeof value === 'object' && 'hex' in value;
  return Object.fromEntries(
    Object.entries(fields || {}).map(([name, value]) => [
      name, isOctets(value) ? Buffer.from(value.hex, 'hex') : value,
    ]),
  );
}

function put(session, octets) {
  if (!session.waiting) {
    session.socket.write(octets);
    return;
  }
  const dripping = session.waiting.length > 0;
  session.waiting = Buffer.concat([session.waiting, octets]);
  if (!dripping) drip(session);
}

function drip(session) {
  if (!session.waiting.length || !session.socket.writable) return;
  session.socket.write(session.waiting.subarray(0, 1), () => {
    session.waiting = session.waiting.subarray(1);
    setImmediate(drip, session);
  });
}

function cut(session, how) {
  if (how === 'rst') session.socket.resetAndDestroy();
  else session.socket.end();
}

class Smsc {
  constructor(number, options) {
    this.number = number;
    this.expected = new Map();
    this.always = new Map();
    this.sessions = new Map();
    this.refusal = null;
    this.lastSession = 0;
    this.lastId = 0;
    this.drips = options.drip;
    smpp.encodings.default = options.alphabet || 'ASCII';
    this.server = smpp.createServer(options, (session) => this.connected(session));
    this.server.on('tlsClientError', (error) => this.failed(undefined, error));
    this.server.listen(0, '127.0.0.1', () => {
      this.tell({ event: 'listening', port: this.server.address().port });
    });
  }

  tell(event) {
    process.stdout.write(JSON.stringify({ smsc: this.number, ...event }, readable) + '\n');
  }

  failed(session, error) {
    this.tell({ event: 'error', session, what: error.code || error.message });
  }

  connected(session) {
    if (this.refusal) {
      session.on('error', () => {});
      cut(session, this.refusal);
      this.tell({ event: 'refused' });
      return;
    }
    const number = ++this.lastSession;
    Object.assign(session, { number, open: new Set() });
    if (this.drips) session.waiting = Buffer.alloc(0);
    session.socket.setNoDelay(true);
    this.sessions.set(number, session);
    const { authorized, servername } = session.socket;
    this.tell({ event: 'connected', session: number, authorized, servername });
    session.on('pdu', (pdu) => this.take(session, pdu));
    session.on('error', (error) => this.failed(number, error));
    session.on('close', () => {
      this.sessions.delete(number);
      this.tell({ event: 'closed', session: number });
    });
  }

  take(session, pdu) {
    const { command, command_status: status, sequence_number: sequence } = pdu;
    if (command === 'submit_sm') session.open.add(sequence);
    const fields = Object.fromEntries(Object.entries(pdu));
    const open = session.open.size;
    this.tell({ event: 'pdu', session: session.number, command, sequence, status, open, fields });
    if (pdu.command_id >= RESPONSE || command === 'unknown') return;
    const queue = this.expected.get(command) || [];
    this.answer(session, command, sequence, queue.shift() || this.always.get(command) || {});
    if (command === 'unbind') session.socket.end();
  }

  answer(session, command, sequence, how) {
    if (how.delay) {
      const now = { ...how, delay: 0 };
      setTimeout(() => this.answer(session, command, sequence, now), how.delay);
      return;
    }
    if (!how.silent) {
      session.open.delete(sequence);
      const answers = Array(how.times || 1).fill(this.response(command, sequence, how));
      const [before, after] = [how.before, how.after].map((hex) => Buffer.from(hex || '', 'hex'));
      put(session, Buffer.concat([before, ...answers, after]));
    }
    if (how.cut) cut(session, how.cut);
  }

  response(command, sequence, how) {
    const number = sequence + (how.shift || 0);
    const status = how.status || 0;
    if (how.nack) return encode('generic_nack', number, status, {}, false);
    const fields = command === 'submit_sm' ? { message_id: `node-${++this.lastId}` } : {};
    return encode(`${command}_resp`, number, status, { ...fields, ...how.fields }, how.body);
  }

  close() {
    this.server.close();
    for (const session of this.sessions.values()) session.socket.destroy();
  }
}

const smscs = new Map();

// What can be told, and to whom: the SMSC, or one of its sessions.
const commands = {
  open: (smsc, { smsc: number, options }) => smscs.set(number, new Smsc(number, options)),
  close: (smsc) => smsc.close(),
  refuse: (smsc, { how }) => { smsc.refusal = how; },
  expect: (smsc, { command, answers }) => smsc.expected.set(command, answers),
  always: (smsc, { command, answer }) => smsc.always.set(command, answer),
  answer: (smsc, { command, sequence, answer }, session) =>
    smsc.answer(session, command, sequence, answer),
  send: (smsc, { command, sequence, fields }, session) =>
    put(session, encode(command, sequence, 0, fields, true)),
  write: (smsc, { hex }, session) => put(session, Buffer.from(hex, 'hex')),
  cut: (smsc, { how }, session) => cut(session, how),
  pause: (smsc, command, session) => session.pause(),
  resume: (smsc, command, session) => session.resume(),
};

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const command = JSON.parse(line);
  const smsc = smscs.get(command.smsc);
  const session = smsc && smsc.sessions.get(command.session);
  // One that is gone by now hears nothing.
  if (session || !('session' in command)) commands[command.do](smsc, command, session);
  smscs.get(command.smsc).tell({ event: 'done' });
  if (command.do === 'close') smscs.delete(command.smsc);
});
lines.on('close', () => process.exit(0));

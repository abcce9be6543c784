// An SMSC for the tests of the SMPP carrier, on the npm package smpp: another implementation of the protocol than ours.
// Orders come on stdin, one JSON object a line: {"n": 1, "do": "seen", ...}; each is answered on stdout with the same n.
'use strict';
const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const setup = JSON.parse(process.argv[2]);

let faults = {};
let submits = [];
let count = { binds: 0, refused: 0, enquiries: 0, unbinds: 0, throttled: 0 };
let sessions = [];
let nextId = setup.firstId || 1000;
let held = [];

const say = (object) => process.stdout.write(JSON.stringify(object) + '\n');

function idFor(number) {
  if (faults.noId) return '';
  if (faults.idForm === 'hex') return number.toString(16).toUpperCase().padStart(8, '0');
  return 'm' + number;
}

function seen(pdu, number) {
  const message = pdu.short_message || {};
  const payload = pdu.message_payload;
  const udh = message.udh && message.udh.length ? [...message.udh[0]] : null;
  return {
    number,
    id: idFor(number),
    text: payload ? payload.message : message.message,
    payload: Boolean(payload),
    udh,
    to: pdu.destination_addr,
    to_ton: pdu.dest_addr_ton,
    from: pdu.source_addr,
    from_ton: pdu.source_addr_ton,
    coding: pdu.data_coding,
    receipts: pdu.registered_delivery,
  };
}

function bind(session, pdu, how) {
  if (faults.silentBind) return;
  const wrong = pdu.system_id !== setup.systemId ? smpp.ESME_RINVSYSID
    : pdu.password !== setup.password ? smpp.ESME_RINVPASWD : (faults.bindStatus || 0);
  session.send(pdu.response({ command_status: wrong }));
  if (wrong) {
    count.refused += 1;
    session.close();
    return;
  }
  count.binds += 1;
  session.how = how;
  sessions.push(session);
}

function throttle(session, pdu) {
  count.throttled += 1;
  session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
}

function submit(session, pdu) {
  if (faults.throttle > 0) {
    faults.throttle -= 1;
    throttle(session, pdu);
    return;
  }
  if (faults.statusAfter > 0) faults.statusAfter -= 1;
  else if (faults.status) {
    session.send(pdu.response({ command_status: faults.status }));
    return;
  }
  if (faults.throttleAfter !== undefined && faults.throttleAfter-- <= 0) {
    throttle(session, pdu);
    return;
  }
  if (faults.nack) {
    session.send(new smpp.PDU('generic_nack', { sequence_number: pdu.sequence_number, command_status: smpp.ESME_RINVCMDLEN }));
    return;
  }
  nextId += 1;
  const entry = seen(pdu, nextId);
  submits.push(entry);
  const answer = () => session.send(pdu.response({ message_id: entry.id }));
  if (faults.dropAt !== undefined && --faults.dropAt <= 0) {
    delete faults.dropAt;
    if (faults.dropAfterAnswer) session.send(pdu.response({ message_id: entry.id }), () => session.destroy());
    else session.destroy();
    session.pause();
    return;
  }
  if (faults.hold) held.push(answer);
  else if (faults.delay) setTimeout(answer, faults.delay);
  else answer();
}

function take(session) {
  session.on('error', () => session.destroy());
  session.on('close', () => { sessions = sessions.filter((one) => one !== session); });
  session.on('bind_transceiver', (pdu) => bind(session, pdu, 'transceiver'));
  session.on('bind_transmitter', (pdu) => bind(session, pdu, 'transmitter'));
  session.on('bind_receiver', (pdu) => bind(session, pdu, 'receiver'));
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => {
    count.enquiries += 1;
    if (!faults.deaf) session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    count.unbinds += 1;
    session.send(pdu.response());
    session.close();
  });
}

function receiver() {
  return sessions.find((session) => session.how !== 'transmitter');
}

function deliver(order) {
  return new Promise((resolve) => {
    const session = receiver();
    if (!session) { resolve({ status: null }); return; }
    session.once('close', () => resolve({ status: null }));
    const options = { source_addr: '886912345678', destination_addr: 'SHOP', ...order.pdu };
    if (order.text !== undefined) options.short_message = order.text;
    if (order.texthex !== undefined) options.short_message = Buffer.from(order.texthex, 'hex');
    session.deliver_sm(options, (response) => resolve({ status: response.command_status }));
  });
}

const orders = {
  set: (order) => { faults = order.faults; if (!faults.hold) { held.forEach((answer) => answer()); held = []; } return {}; },
  seen: () => ({ submits }),
  count: () => ({ ...count, submits: submits.length, sessions: sessions.length, hows: sessions.map((one) => one.how).sort() }),
  deliver,
  raw: (order) => { sessions.forEach((one) => one.socket.write(Buffer.from(order.hex, 'hex'))); return {}; },
  drop: () => { sessions.forEach((one) => one.destroy()); return {}; },
  unbind: () => new Promise((resolve) => receiver().unbind((response) => resolve({ status: response.command_status }))),
  enquire: () => new Promise((resolve) => receiver().enquire_link((response) => resolve({ status: response.command_status }))),
  query: () => new Promise((resolve) => {
    const session = receiver();
    session.once('generic_nack', (response) => resolve({ status: response.command_status }));
    session.query_sm({ message_id: 'x' });
  }),
};

const tls = setup.cert ? { cert: fs.readFileSync(setup.cert), key: fs.readFileSync(setup.key) } : {};
const server = smpp.createServer(tls, take);
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const order = JSON.parse(line);
  say({ n: order.n, ...(await orders[order.do](order)) });
}).on('close', () => process.exit(0));

#!/usr/bin/env node
/** Starts a device or a service from a credentials folder, driven by the control plane or on its own. */
import { parseArgs } from 'node:util';
import { serveControl } from './src/control.js';
import { Peer } from './src/peer.js';

const USAGE = `usage: main.js --credentials FOLDER [--state FILE] (--control | --listen HOST:PORT | --connect HOST:PORT)

  --credentials FOLDER   as \`trustconn provision\` wrote it for the implementation under test
  --state FILE           what outlives a restart; without it, it lives as long as the process
  --control              requests on standard input, replies and events on standard output
  --listen HOST:PORT     a service on its own: answers devices, prints events
  --connect HOST:PORT    a device on its own: one connection, prints events
`;

const address = (text) => {
  const [, host, port] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (!host) throw new Error(`not HOST:PORT: ${text}`);
  return [host.replace(/^\[|\]$/g, ''), Number(port)];
};

async function main() {
  const { values } = parseArgs({
    options: {
      credentials: { type: 'string' }, state: { type: 'string' }, control: { type: 'boolean' },
      listen: { type: 'string' }, connect: { type: 'string' },
    },
  });
  if (!values.credentials || [values.control, values.listen, values.connect].filter(Boolean).length !== 1) {
    throw new Error(`say what to do\n${USAGE}`);
  }
  const peer = new Peer({
    folder: values.credentials,
    state: values.state,
    onEvent: (event) => console.log(JSON.stringify(event)),
  });
  if (values.control) {
    await serveControl(peer, process.stdin, process.stdout);
    process.exit(0);
  }
  await (values.listen ? peer.listen(...address(values.listen)) : peer.connect(...address(values.connect)));
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
});

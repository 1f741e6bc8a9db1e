// A TLS 1.3 client on node:tls: says one line and reads on. Arguments: host port leaf key roots.
const fs = require("node:fs");
const tls = require("node:tls");

const [host, port, leaf, key, roots] = process.argv.slice(2);
const read = (path) => fs.readFileSync(path);
const channel = tls.connect({
  host, port: Number(port), cert: read(leaf), key: read(key), ca: read(roots), minVersion: "TLSv1.3",
  ALPNProtocols: ["tc/1"], checkServerIdentity: () => undefined,
});
channel.on("secureConnect", () => channel.write("hello\n"));
channel.on("data", () => {});
channel.on("error", () => process.exit(1));

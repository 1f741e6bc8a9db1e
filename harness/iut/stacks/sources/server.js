// A TLS 1.3 server on node:tls: answers each request with one line. Arguments: port leaf key roots.
const fs = require("node:fs");
const tls = require("node:tls");

const [port, leaf, key, roots] = process.argv.slice(2);
const read = (path) => fs.readFileSync(path);
const server = tls.createServer(
  {
    cert: read(leaf), key: read(key), ca: read(roots), requestCert: true, rejectUnauthorized: true,
    minVersion: "TLSv1.3", ALPNProtocols: ["tc/1"],
  },
  (channel) => {
    channel.on("error", () => {});
    channel.on("data", () => channel.write("accepted\n"));
  },
);
server.on("tlsClientError", (error, channel) => channel.destroy());
server.listen(Number(port), "127.0.0.1");

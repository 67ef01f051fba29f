// A host that exists behind a proxy only: names under `.test` resolve nowhere, so whoever reaches it came through the proxy.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

/** An https and an http server for `api.vendor.test` with a certificate of its own authority. */
export async function vendor(answer = (request, response) => response.end(`${request.method} ${request.headers.host}${request.url}`)) {
  const folder = mkdtempSync(join(tmpdir(), "pome-proxy-"));
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: "ignore" });
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=a test authority", "-keyout", at("ca.key"), "-out", at("ca.pem"));
  openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=api.vendor.test", "-addext", "subjectAltName=DNS:api.vendor.test,DNS:localhost", "-keyout", at("key.pem"), "-out", at("request.pem"));
  openssl("x509", "-req", "-in", at("request.pem"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-copy_extensions", "copy", "-days", "1", "-out", at("cert.pem"));
  const secure = createHttps({ key: readFileSync(at("key.pem")), cert: readFileSync(at("cert.pem")) }, answer);
  const plain = createHttp(answer);
  return {
    ca: at("ca.pem"),
    securePort: await listening(secure),
    plainPort: await listening(plain),
    close() {
      secure.close().closeAllConnections();
      plain.close().closeAllConnections();
    },
  };
}

/** A proxy that only tunnels, like the one of `pome run`: every host is this machine, `refused.test` is not allowed. */
export async function connectProxy() {
  const tunnels = [];
  const sockets = new Set();
  const server = createHttp((request, response) => response.writeHead(405).end("CONNECT only"));
  server.on("connect", (request, client, head) => {
    tunnels.push({ target: request.url, authorization: request.headers["proxy-authorization"] });
    const [host, port] = request.url.split(":");
    if (host === "refused.test") {
      return client.end("HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nrefused.test:443 is not allowed: add it to POME_EGRESS_ALLOW\n");
    }
    const upstream = connect(Number(port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => [client, upstream].forEach((one) => one.destroy()));
    }
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    tunnels,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close().closeAllConnections();
    },
  };
}

// Large bodies through the gateway: as they come, held by nobody, refused past the route's limit.
//     node upload.mjs FINSIGHT
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:http2";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { equal, ok, run } from "./sim.mjs";

const program = process.argv[2];
const MB = 1 << 20;

/** A service that says what it got; /slow does not read until it is told to. */
async function service() {
    const seen = { began: 0, aborted: 0, go: null };
    const server = createServer(async (req, res) => {
        seen.began++;
        req.on("aborted", () => { seen.aborted++; });
        if (req.url.startsWith("/slow")) await new Promise((resolve) => { seen.go = resolve; });
        if (req.url.startsWith("/early")) { res.writeHead(403).end("no"); return; }
        const hash = createHash("sha256");
        let n = 0;
        try {
            for await (const piece of req) { hash.update(piece); n += piece.length; }
        } catch { return; }
        res.end(JSON.stringify({ n, hash: hash.digest("hex"), chunked: req.headers["transfer-encoding"] ?? "" }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { server, seen, port: server.address().port };
}

const withGateway = (work) => async () => {
    const s = await service();
    const dir = mkdtempSync(join(tmpdir(), "finsight-upload-"));
    const child = spawn(program, ["serve", "--port", "0", "--data-dir", join(dir, "data"), "--json", "--roles", "gateway",
        "--services", `up=127.0.0.1:${s.port}`, "--gateway.health_path", "", "--routes",
        "/up/*=up/;role=none;max_body=100000000"], { stdio: ["ignore", "pipe", "ignore"],
        // where a sanitizer watches, what is freed is to be given back: memory is measured here
        env: { ...process.env, ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:quarantine_size_mb=4` } });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const url = new URL(JSON.parse(line).url);
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) / 1024;
    try {
        await work({ ...s, url, rss });
    } finally {
        child.kill("SIGTERM");
        const [code] = await once(child, "exit");
        s.server.closeAllConnections?.();
        s.server.close();
        rmSync(dir, { recursive: true });
        equal(code, 0, "exit");
    }
};

const pieces = Array.from({ length: 64 }, (_, i) => Buffer.alloc(MB, i + 1));
const digest = (n) => pieces.slice(0, n).reduce((h, p) => h.update(p), createHash("sha256")).digest("hex");

/** Sends n megabytes; resolves with status, text, and how much went out before the answer. */
function send(url, path, n, headers = {}, out = {}) {
    return new Promise((resolve, reject) => {
        const req = request({ host: url.hostname, port: url.port, path, method: "POST", headers });
        out.sent = 0;
        req.on("response", async (res) => {
            let text = "";
            for await (const piece of res) text += piece;
            resolve({ status: res.statusCode, text });
        });
        req.on("error", (e) => (out.sent < n ? resolve({ error: e.code }) : reject(e)));
        const next = () => {
            while (out.sent < n) if (!req.write(pieces[out.sent++])) { req.once("drain", next); return; }
            req.end();
        };
        next();
    });
}

await run({
    "sixty megabytes arrive as they were sent, and are nowhere whole": withGateway(async ({ url, rss }) => {
        await send(url, "/up/warm", 2);
        const before = rss();
        let most = 0;
        const look = setInterval(() => { most = Math.max(most, rss()); }, 5);
        const chunked = await send(url, "/up/a", 60);
        const told = await send(url, "/up/a", 60, { "content-length": 60 * MB });
        clearInterval(look);
        equal([JSON.parse(chunked.text).chunked, JSON.parse(told.text).chunked], ["chunked", ""], "framing");
        for (const r of [chunked, told])
            equal([r.status, JSON.parse(r.text).n, JSON.parse(r.text).hash], [200, 60 * MB, digest(60)], "body");
        ok(Math.max(most, rss()) - before < 20, `${before} MB became ${most}`);
    }),

    "the same over HTTP/2": withGateway(async ({ url }) => {
        const h2 = connect(url);
        const req = h2.request({ ":method": "POST", ":path": "/up/a" });
        for (let i = 0; i < 40; i++)
            if (!req.write(pieces[i])) await once(req, "drain");
        req.end();
        let text = "";
        for await (const piece of req) text += piece;
        equal(JSON.parse(text).hash, digest(40), "body");
        h2.close();
    }),

    "a service that does not read stops the client": withGateway(async ({ url, seen }) => {
        const out = {};
        const sending = send(url, "/up/slow", 60, {}, out);
        while (!seen.go) await new Promise((resolve) => setTimeout(resolve, 20));
        await new Promise((resolve) => setTimeout(resolve, 1500));
        ok(out.sent < 50, `${out.sent} MB left the client while nobody read`); // the rest lies in sockets of both hops
        seen.go();
        const r = await sending;
        equal([r.status, JSON.parse(r.text).hash], [200, digest(60)], "body");
    }),

    "past the limit of the route it is refused, told beforehand or not": withGateway(async ({ url, seen }) => {
        const told = await send(url, "/up/a", 1, { "content-length": 200000000 });
        equal(told.status, 413, "told");
        equal(seen.began, 0, "nobody was asked");
        const found = await send(url, "/up/a", 64, {}); // 64 MB pass, they are below
        equal(found.status, 200, "below the limit");
        const req = request({ host: url.hostname, port: url.port, path: "/up/a", method: "POST" });
        const answer = new Promise((resolve) => {
            req.on("response", (res) => resolve(res.statusCode));
            req.on("error", () => {});
        });
        let going = true;
        answer.then(() => { going = false; });
        for (let i = 0; going && i < 300; i++)
            if (!req.write(pieces[0])) await Promise.race([once(req, "drain").catch(() => {}), answer]);
        equal(await answer, 413, "found out on the way");
        req.destroy();
    }),

    "an early answer comes through": withGateway(async ({ url }) => {
        const r = await send(url, "/up/early", 60);
        ok(r.status === 403 || r.error !== undefined, `${r.status}`); // a reset may overtake it, as without a gateway
    }),

    "a client that leaves ends the call": withGateway(async ({ url, seen }) => {
        const req = request({ host: url.hostname, port: url.port, path: "/up/a", method: "POST" });
        req.on("error", () => {});
        req.write(pieces[0]);
        req.write(pieces[1]);
        while (!seen.began) await new Promise((resolve) => setTimeout(resolve, 20));
        req.destroy();
        for (let i = 0; i < 600 && !seen.aborted; i++) await new Promise((resolve) => setTimeout(resolve, 100));
        equal(seen.aborted, 1, "aborted");
    }),
});

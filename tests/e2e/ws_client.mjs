// Our WebSocket client against npm's ws (GWY-35): messages, fragments, pings, close codes, refusals, TLS.
//     node ws_client.mjs WS_TEST_CLIENT SOURCE_ROOT
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { equal, ok, run, skipAll } from "./sim.mjs";

const [program, root] = process.argv.slice(2);
let ws;
try {
    ws = createRequire(join(root, ".cache/peers/ws/"))("ws");
} catch {
    skipAll("the ws package is not here (tools/setup test fetches it)");
}

const folder = mkdtempSync(join(tmpdir(), "finsight-ws-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** Runs the client against `url`; gives its lines when it has ended. */
async function client(url, ...args) {
    const child = spawn(program, [url, ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (d) => { text += d; });
    const [code] = await once(child, "close");
    ok(code === 0 || code === 2, `the client ended with ${code}`);
    return text.trim().split("\n");
}

/** A server that does `work` with its first connection, and the client's lines. */
async function withServer(work, args = [], options = {}) {
    const server = new ws.WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
    await once(server, "listening");
    let failed;
    server.on("connection", (s, req) => Promise.resolve(work(s, req)).catch((e) => { failed = e; s.terminate(); }));
    const lines = await client(`ws://127.0.0.1:${server.address().port}/feed?x=1`, ...args);
    server.close();
    if (failed) throw failed;
    return lines;
}

const next = async (s) => {
    const [data, binary] = await once(s, "message");
    return { data, binary };
};
const last = (lines) => lines[lines.length - 1];

await run({
    async messages_of_every_length_come_back_unchanged() {
        const lines = await withServer(async (s, req) => {
            equal(req.url, "/feed?x=1");
            for (const n of [0, 1, 125, 126, 127, 65535, 65536, 300000]) {
                const out = Buffer.alloc(n, 7);
                s.send(out);
                const { data, binary } = await next(s);
                ok(binary && data.equals(out), `${n} bytes came back changed`);
            }
            s.send("grüße, 世界");
            const { data, binary } = await next(s);
            equal([data.toString(), binary], ["grüße, 世界", false]);
            s.close(1000, "done");
        });
        equal(last(lines), "end ok 1000 0 closed [done]");
    },
    async fragments_are_joined_and_control_frames_may_come_between() {
        await withServer(async (s) => {
            s.send("one ", { fin: false });
            s.ping("x");
            s.send("two ", { fin: false });
            s.send("three", { fin: true });
            const { data } = await next(s);
            equal(data.toString(), "one two three");
            s.close();
        });
    },
    async pings_go_both_ways() {
        const lines = await withServer(async (s) => {
            s.ping("hello");
            equal((await once(s, "pong"))[0].toString(), "hello");
            s.send("ping");
            equal((await once(s, "ping"))[0].toString(), "are you there");
            s.close(4001, "enough");
        });
        ok(lines.includes("ping hello"), "the ping was not told");
        equal(last(lines), "end ok 4001 0 closed [enough]");
    },
    async the_client_may_close_with_a_code_and_a_reason() {
        const lines = await withServer(async (s) => {
            s.send("close 4100 goodbye");
            const [code, reason] = await once(s, "close");
            equal([code, reason.toString()], [4100, "goodbye"]);
        });
        equal(last(lines), "end ok 4100 0 closed [goodbye]");
    },
    async a_message_past_the_limit_ends_it_with_1009() {
        const lines = await withServer(async (s) => {
            s.send(Buffer.alloc(1001));
            equal((await once(s, "close"))[0], 1009);
        }, ["--max_message", 1000]);
        ok(last(lines).startsWith("end limit_exceeded 1006"), last(lines));
    },
    async a_server_that_falls_silent_is_pinged_then_left() {
        const lines = await withServer(async (s) => {
            s._receiver.removeAllListeners("ping"); // no pong
            const t0 = Date.now();
            await once(s, "close");
            const took = Date.now() - t0;
            ok(took >= 250 && took < 3000, `left after ${took} ms`);
        }, ["--idle_ms", 300, "--ping_ms", 100]);
        ok(last(lines).startsWith("end timeout 1006"), last(lines));
    },
    async a_cut_line_is_not_a_close() {
        const lines = await withServer((s) => s.terminate());
        ok(last(lines).startsWith("end unavailable 1006"), last(lines));
    },
    async a_subprotocol_is_asked_for_and_insisted_on() {
        await withServer((s) => { equal(s.protocol, "candles.v1"); s.close(); }, ["--protocol", "candles.v1"]);
        const lines = await withServer((s) => s.close(), ["--protocol", "candles.v1"], { handleProtocols: () => false });
        ok(last(lines).startsWith("end corrupt"), last(lines));
    },
    async another_answer_than_101_is_told_with_its_status() {
        const http = createHttp((q, r) => { r.writeHead(429, { "Retry-After": "7" }); r.end("slow down"); });
        await once(http.listen(0, "127.0.0.1"), "listening");
        const lines = await client(`ws://127.0.0.1:${http.address().port}/`);
        http.close();
        ok(last(lines).startsWith("end collection_error 1006 429"), last(lines));
    },
    async what_is_not_websocket_is_refused() {
        const answers = {
            "garbage": "SSH-2.0-OpenSSH_9.2\r\n",
            "no accept": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "wrong accept": "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "an extension": "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        };
        for (const [name, text] of Object.entries(answers)) {
            const tcp = createTcp((s) => { s.on("error", () => {}); s.once("data", () => s.write(text)); });
            await once(tcp.listen(0, "127.0.0.1"), "listening");
            const lines = await client(`ws://127.0.0.1:${tcp.address().port}/`);
            tcp.close();
            ok(last(lines).startsWith("end corrupt"), `${name}: ${last(lines)}`);
        }
    },
    async frames_in_the_same_packet_as_the_handshake_are_read() {
        const { createHash } = await import("node:crypto");
        const tcp = createTcp((s) => {
            s.on("error", () => {});
            s.once("data", (d) => {
                const key = /sec-websocket-key: (.*)\r/i.exec(d.toString())[1];
                const accept = createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
                s.write(`HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n` +
                        "\x81\x05early\x88\x02\x03\xe8", "latin1");
            });
        });
        await once(tcp.listen(0, "127.0.0.1"), "listening");
        const lines = await client(`ws://127.0.0.1:${tcp.address().port}/`);
        tcp.close();
        equal(lines.slice(0, 2), ["open", "text 5"]);
    },
    async nobody_there_and_no_such_name_are_unavailable() {
        ok(last(await client("ws://127.0.0.1:1/")).startsWith("end unavailable"), "refused");
        ok(last(await client("ws://localhost:1/")).startsWith("end unavailable"), "a name");
        ok(last(await client("ws://no-such-host.invalid/", "--open_ms", 3000)).startsWith("end "), "no such name");
        const silent = createTcp(() => {});
        await once(silent.listen(0, "127.0.0.1"), "listening");
        ok(last(await client(`ws://127.0.0.1:${silent.address().port}/`, "--open_ms", 200)).startsWith("end timeout"),
            "silent");
        silent.close();
    },
    async wss_checks_the_certificate_and_its_name() {
        const sign = (cn, san) => execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-keyout", join(folder, `${cn}.key`), "-out", join(folder, `${cn}.pem`), "-subj", `/CN=${cn}`,
            "-addext", `subjectAltName=${san}`], { stdio: "ignore" });
        sign("here", "DNS:localhost");
        sign("elsewhere", "DNS:elsewhere.example");
        for (const [name, url, want] of [["here", "localhost", "end ok 1000"], ["here", "127.0.0.1", "end forbidden"],
            ["elsewhere", "localhost", "end forbidden"]]) {
            const https = createHttps({ key: readFileSync(join(folder, `${name}.key`)), cert: readFileSync(join(folder, `${name}.pem`)) });
            const server = new ws.WebSocketServer({ server: https });
            https.on("tlsClientError", () => {});
            server.on("connection", async (s) => {
                s.send(Buffer.alloc(200000, 3));
                const { data } = await next(s);
                s.close(data.length === 200000 ? 1000 : 4000);
            });
            await once(https.listen(0, "127.0.0.1"), "listening");
            const trusted = await client(`wss://${url}:${https.address().port}/`, "--ca", join(folder, `${name}.pem`));
            ok(last(trusted).startsWith(want), `${name} as ${url}: ${last(trusted)}`);
            const unknown = await client(`wss://localhost:${https.address().port}/`);
            ok(last(unknown).startsWith("end forbidden"), `self-signed: ${last(unknown)}`);
            server.close();
            https.close();
        }
    },
});

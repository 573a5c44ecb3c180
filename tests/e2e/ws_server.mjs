// Our WebSocket server against npm's ws and against hand-made bytes (GWY-35); TLS against openssl and Node.
//     node ws_server.mjs WS_TEST_SERVER SOURCE_ROOT
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { equal, ok, run, skipAll } from "./sim.mjs";

const [program, root] = process.argv.slice(2);
let ws;
try {
    ws = createRequire(join(root, ".cache/peers/ws/"))("ws");
} catch {
    skipAll("the ws package is not here (tools/setup test fetches it)");
}
const folder = mkdtempSync(join(tmpdir(), "finsight-wss-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** The server as a child; `line()` gives its next line; `stop()` its counts. */
async function start(...args) {
    const child = spawn(program, args.map(String), { stdio: ["ignore", "pipe", "inherit"] });
    const lines = [], waiting = [];
    createInterface({ input: child.stdout }).on("line", (l) => (waiting.length ? waiting.shift()(l) : lines.push(l)));
    const line = () => (lines.length ? Promise.resolve(lines.shift()) : new Promise((r) => waiting.push(r)));
    const port = Number((await line()).split(" ")[1]);
    return {
        port, line, child,
        async stop() {
            child.kill("SIGTERM");
            const [code, signal] = await once(child, "exit");
            equal([code, signal], [0, null], "exit");
            let text = lines.pop();
            const counts = JSON.parse(text ?? await line());
            equal(counts.opened, counts.ended, "sockets ended");
            equal(counts.requests, counts.replied + counts.aborted, "requests");
            return counts;
        },
    };
}

const withServer = (work, ...args) => async () => {
    const server = await start(...args);
    try {
        await work(server);
    } catch (e) {
        server.child.kill("SIGKILL");
        throw e;
    }
    await server.stop();
};

async function open(url, options = {}) {
    const s = new ws.WebSocket(url, options);
    await once(s, "open");
    return s;
}
const echo = (server) => open(`ws://127.0.0.1:${server.port}/echo`, { perMessageDeflate: false });
const next = async (s) => (await once(s, "message"))[0];

const HANDSHAKE = "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Sends bytes (latin1), gives all that comes until the server closes. */
async function raw(port, text, { wait = 0 } = {}) {
    const s = connect(port, "127.0.0.1");
    let got = "";
    s.on("data", (d) => { got += d.toString("latin1"); });
    s.on("error", () => {});
    s.write(text, "latin1");
    if (wait) setTimeout(() => s.destroy(), wait);
    await once(s, "close");
    return got;
}
const masked = (first, payload) => `${String.fromCharCode(first, 0x80 | payload.length)}\0\0\0\0${payload}`;

function certificate(name, days = 2) {
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        String(days), "-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`), "-subj", `/CN=${name}`,
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], { stdio: "ignore" });
}

async function peerName(port) {
    const s = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(s, "secureConnect");
    const name = s.getPeerCertificate().subject.CN;
    s.destroy();
    return name;
}

await run({
    messages_of_every_length_come_back: withServer(async (server) => {
        const s = await echo(server);
        for (const n of [0, 1, 125, 126, 65535, 65536]) {
            const out = Buffer.alloc(n, 5);
            s.send(out);
            ok((await next(s)).equals(out), `${n} bytes`);
        }
        s.send("a", { fin: false });
        s.ping();
        s.send("b", { fin: true });
        equal((await next(s)).toString(), "ab");
        s.close(1000, "done");
        const [code] = await once(s, "close");
        equal(code, 1000);
        equal(await server.line(), "end ok 1000 closed [done]");
    }),
    the_server_closes_with_a_code_and_a_reason: withServer(async (server) => {
        const s = await echo(server);
        s.send("bye 4009 that is all");
        const [code, reason] = await once(s, "close");
        equal([code, reason.toString()], [4009, "that is all"]);
    }),
    one_frame_goes_to_everybody: withServer(async (server) => {
        const all = await Promise.all(Array.from({ length: 50 }, () => echo(server)));
        const got = all.map((s) => next(s));
        all[0].send(`shout ${"x".repeat(3000)}`);
        for (const m of await Promise.all(got)) equal(m.length, 3000);
        for (const s of all) s.terminate();
    }),
    frames_reach_hundreds_in_order_while_some_leave: withServer(async (server) => {
        const ROUNDS = 60, all = [];
        while (all.length < 600) all.push(...await Promise.all(Array.from({ length: 100 }, () => echo(server))));
        const got = all.map(() => []);
        const left = all.map(() => false);
        let wake = () => {};
        all.forEach((s, i) => s.on("message", (m) => { got[i].push(m.toString()); wake(); }));
        const speaker = await echo(server);
        speaker.on("message", () => {});
        for (let k = 0; k < ROUNDS; k++) {
            speaker.send(`shout ${k} ${"x".repeat(300)}`);
            if (k % 3 === 0) { // in the middle of what is on its way to it
                all[7 * k].terminate();
                left[7 * k] = true;
            }
            if (k % 10 === 0) await new Promise((r) => setTimeout(r, 1));
        }
        const behind = () => got.findIndex((v, i) => !left[i] && v.length < ROUNDS);
        while (behind() >= 0) await new Promise((r) => { wake = r; });
        got.forEach((v, i) => v.forEach((m, k) => ok(m.startsWith(`${k} x`), `client ${i}, message ${k}: ${m.slice(0, 9)}`)));
        for (const s of [...all, speaker]) s.terminate();
    }),
    a_flood_is_sent_as_the_socket_takes_it: withServer(async (server) => {
        const s = await echo(server);
        s.send("flood 20000");
        let n = 0;
        s.on("message", () => n++);
        s.pause();
        await new Promise((r) => setTimeout(r, 100));
        s.resume();
        while (n < 20000) await new Promise((r) => setTimeout(r, 10));
        s.close();
        await once(s, "close");
    }),
    who_does_not_read_is_cut: withServer(async (server) => {
        const s = await echo(server);
        s.pause();
        s.send("flood 100000");
        const line = await server.line();
        ok(line.startsWith("end unavailable"), line);
    }, "--write_ms", 300),
    a_silent_peer_is_pinged_then_left: withServer(async (server) => {
        const s = await echo(server);
        let pings = 0;
        s.on("ping", () => pings++);
        await new Promise((r) => setTimeout(r, 700)); // pongs keep it alive
        ok(pings >= 3 && s.readyState === 1, `${pings} pings`);
        const dead = raw(server.port, HANDSHAKE);
        const got = await dead;
        ok(got.includes("\x89\x00") && got.includes("\x88"), "ping and close frames");
        s.close();
        await once(s, "close");
    }, "--ping_ms", 100, "--idle_ms", 400),
    broken_rules_are_answered_with_their_code: withServer(async (server) => {
        const rows = [
            ["unmasked", "\x81\x01a", 1002], ["reserved bit", masked(0xc1, ""), 1002], ["opcode", masked(0x83, ""), 1002],
            ["not UTF-8", masked(0x81, "\xc3\x28"), 1007], ["bad close code", masked(0x88, "\x03\xed"), 1002],
            ["continuation", masked(0x80, "x"), 1002], ["too big", "\x82\xff\0\0\0\0\0\x02\0\0\0\0\0\0", 1009],
        ];
        for (const [name, bytes, want] of rows) {
            const got = await raw(server.port, HANDSHAKE + bytes);
            const frame = got.slice(got.indexOf("\r\n\r\n") + 4);
            equal([frame.charCodeAt(0), frame.charCodeAt(2) << 8 | frame.charCodeAt(3)], [0x88, want], name);
        }
    }),
    frames_may_come_with_the_handshake: withServer(async (server) => {
        const got = await raw(server.port, HANDSHAKE + masked(0x81, "hi") + masked(0x88, ""));
        ok(got.endsWith("\r\n\r\n\x81\x02hi\x88\x00"), JSON.stringify(got));
        ok(got.includes("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), got);
    }),
    bad_handshakes_are_refused_as_http: withServer(async (server) => {
        const rows = [
            ["no upgrade", "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"],
            ["old version", HANDSHAKE.replace("13", "8").replace("Connection: Upgrade", "Connection: Upgrade, close"), "426"],
            ["a body", HANDSHAKE.replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi"), "400"],
            ["pipelined behind another", "GET / HTTP/1.1\r\nHost: x\r\n\r\n" + HANDSHAKE, "101"],
        ];
        for (const [name, text, want] of rows) {
            const got = await raw(server.port, text, { wait: 300 });
            ok(got.includes(`HTTP/1.1 ${want}`), `${name}: ${got.slice(0, 60)}`);
        }
    }),
    a_stopping_server_says_1001: async () => {
        const server = await start();
        const s = await echo(server);
        const closed = once(s, "close");
        await server.stop();
        equal((await closed)[0], 1001);
    },
    tls_carries_both_and_old_versions_are_refused: async () => {
        certificate("one");
        const server = await start("--cert", join(folder, "one.pem"), "--key", join(folder, "one.key"));
        const ca = readFileSync(join(folder, "one.pem"));
        const s = await open(`wss://localhost:${server.port}/echo`, { ca });
        const big = Buffer.alloc(65000, 9);
        for (let i = 0; i < 20; i++) s.send(big);
        for (let i = 0; i < 20; i++) ok((await next(s)).equals(big), "echo");
        const curl = (...args) => execFileSync("curl", ["-sS", "--cacert", join(folder, "one.pem"), ...args,
            `https://localhost:${server.port}/x`]).toString();
        equal(curl("--http1.1"), "plain HTTP\n");
        for (const [flag, want] of [["-tls1_3", true], ["-tls1_2", true], ["-tls1_1", false]]) {
            let said = "";
            try {
                said = execFileSync("openssl", ["s_client", "-connect", `127.0.0.1:${server.port}`, flag, "-cipher",
                    "ALL:@SECLEVEL=0", "-alpn", "http/1.1"], { input: "", stdio: ["pipe", "pipe", "ignore"] }).toString();
            } catch (e) {
                said = "";
            }
            equal(said.includes("Verification") && said.includes("ALPN protocol: http/1.1"), want, flag);
        }
        s.close();
        await once(s, "close");
        await server.stop();
    },
    a_new_certificate_is_taken_live_and_a_bad_one_refused: async () => {
        for (const n of ["first", "second"]) certificate(n);
        const cert = join(folder, "live.pem"), key = join(folder, "live.key");
        copyFileSync(join(folder, "first.pem"), cert);
        copyFileSync(join(folder, "first.key"), key);
        const server = await start("--cert", cert, "--key", key);
        equal(await peerName(server.port), "first");
        const old = await open(`wss://localhost:${server.port}/echo`, { ca: readFileSync(cert) });
        writeFileSync(cert, "-----BEGIN CERTIFICATE-----\nnonsense\n");
        server.child.kill("SIGHUP");
        ok((await server.line()).includes("not a certificate chain"), "words for nonsense");
        equal(await peerName(server.port), "first");
        copyFileSync(join(folder, "second.pem"), cert); // the key is still the first's
        server.child.kill("SIGHUP");
        ok((await server.line()).includes("key"), "words for the wrong key");
        equal(await peerName(server.port), "first");
        copyFileSync(join(folder, "second.key"), key);
        server.child.kill("SIGHUP");
        equal(await server.line(), "reload ok");
        equal(await peerName(server.port), "second");
        old.send("still here");
        equal((await next(old)).toString(), "still here");
        old.close();
        await once(old, "close");
        await server.stop();
    },
    a_certificate_that_cannot_be_used_is_said_at_start: async () => {
        certificate("good");
        const cases = [
            ["/nowhere.pem", join(folder, "good.key"), /nowhere\.pem: No such file/],
            [join(folder, "good.pem"), join(folder, "good.pem"), /private key/],
        ];
        for (const [cert, key, want] of cases) {
            const child = spawn(program, ["--cert", cert, "--key", key], { stdio: ["ignore", "ignore", "pipe"] });
            let err = "";
            child.stderr.on("data", (d) => { err += d; });
            const [code] = await once(child, "close");
            ok(code === 1 && want.test(err), err);
        }
    },
});

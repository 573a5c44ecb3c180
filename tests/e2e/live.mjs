// The live API of the real binary over npm's ws (GWY-35): snapshot, deltas, resuming, slow readers, limits.
//     node live.mjs FINSIGHT SOURCE_ROOT
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { equal, ok, run, skipAll } from "./sim.mjs";

const [program, root] = process.argv.slice(2);
let ws;
try {
    ws = createRequire(join(root, ".cache/peers/ws/"))("ws");
} catch {
    skipAll("the ws package is not here (tools/setup test fetches it)");
}

const KEY = "live-test-key";
const MINUTE = 60000;
const T0 = Date.UTC(2024, 0, 1);

/** options: of the configuration, as environment variables. */
async function start(options = {}) {
    const dir = mkdtempSync(join(tmpdir(), "finsight-live-"));
    const child = spawn(program, ["serve", "--port", "0", "--data-dir", join(dir, "data"), "--json"],
        { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, FINSIGHT_AUTH_ADMIN_KEY: KEY, ...options } });
    let err = "";
    child.stderr.on("data", (d) => { err += d; });
    const line = await Promise.race([
        once(createInterface({ input: child.stdout }), "line").then(([l]) => l),
        once(child, "exit").then(([code]) => { throw new Error(`finsight ended with ${code}: ${err}`); }),
    ]);
    const { url } = JSON.parse(line);
    return {
        url, child, dir,
        async stop() {
            child.kill("SIGTERM");
            const [code, signal] = await once(child, "exit");
            rmSync(dir, { recursive: true });
            equal([code, signal], [0, null], `exit (${err.slice(-2000)})`);
        },
    };
}

const withServer = (work, options) => async () => {
    const server = await start(options);
    try {
        return await work(server);
    } finally {
        await server.stop();
    }
};

const candle = (i, close, extra = {}) => ({ timestamp: new Date(T0 + i * MINUTE).toISOString(), open: 100, high: 100 + close,
    low: 1, close, volume: 5, ...extra });

async function save(server, symbol, candles) {
    const r = await fetch(`${server.url}/api/v1/market/candles`, {
        method: "POST", headers: { "X-API-Key": KEY, "Content-Type": "application/json" },
        body: JSON.stringify({ exchange: "binance", symbol, timeframe: "1m", durable: false, candles }),
    });
    const body = await r.json();
    ok(r.status === 200, JSON.stringify(body));
    return body;
}

/** A client: next() gives messages in order, heartbeats left out. */
async function open(server, options = {}) {
    const s = new ws.WebSocket(`${server.url.replace("http", "ws")}/ws`, { perMessageDeflate: false, ...options });
    const queue = [], waiting = [];
    s.heartbeats = 0;
    s.closed = new Promise((resolve) => s.on("close", (code, reason) => resolve([code, reason.toString()])));
    s.on("error", () => {});
    s.on("message", (d) => {
        const m = JSON.parse(d);
        if (m.type === "heartbeat") { s.heartbeats++; return; }
        if (waiting.length) waiting.shift()(m); else queue.push(m);
    });
    s.next = (ms = 5000) => queue.length ? Promise.resolve(queue.shift()) : new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`nothing came for ${ms} ms`)), ms);
        waiting.push((m) => { clearTimeout(timer); resolve(m); });
    });
    s.pending = () => queue.length;
    s.say = (o) => s.send(JSON.stringify(o));
    await once(s, "open");
    s.hello = await s.next();
    return s;
}

async function subscribe(s, symbol, extra = {}) {
    s.say({ op: "subscribe", channel: "candles", symbol, timeframe: "1m", id: "x", ...extra });
    return s.next();
}
const closes = (m) => m.candles.map((c) => c.close);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

await run({
    a_snapshot_then_deltas_by_sequence: withServer(async (server) => {
        await save(server, "BTCUSDT", [candle(0, 1), candle(1, 2), candle(2, 3)]);
        const s = await open(server);
        equal([s.hello.type, s.hello.heartbeat_ms], ["hello", 15000]);
        const snapshot = await subscribe(s, "BTCUSDT", { limit: 2 });
        equal([snapshot.type, snapshot.id, snapshot.series, snapshot.reason, closes(snapshot)],
            ["snapshot", "x", "binance:BTCUSDT:1m", "subscribed", [2, 3]]);
        for (let i = 0; i < 20; i++) {
            const saved = await save(server, "BTCUSDT", [candle(2, 4 + i), ...(i === 10 ? [candle(3, 9, { flags: ["open"] })] : [])]);
            const delta = await s.next();
            equal([delta.type, delta.seq, delta.seq], ["delta", saved.revision, snapshot.seq + 1 + i]);
            equal(delta.candles[0].close, 4 + i);
            if (i === 10) equal(delta.candles[1].flags, ["open"]);
        }
        await save(server, "BTCUSDT", [candle(2, 23)]); // changes nothing: nobody is told
        await save(server, "ETHUSDT", [candle(2, 23)]); // another series
        s.say({ op: "ping", id: "p" });
        equal((await s.next()).type, "pong");
        s.close();
        await s.closed;
    }),
    simulated_and_filled_candles_say_so: withServer(async (server) => {
        await save(server, "SIMUSDT", [candle(0, 1, { flags: ["simulated"] })]);
        const s = await open(server);
        const snapshot = await subscribe(s, "SIMUSDT");
        equal([snapshot.simulated, snapshot.candles[0].flags], [true, ["simulated"]]);
        await save(server, "SIMUSDT", [candle(1, 1, { flags: ["synthetic"] })]);
        const delta = await s.next();
        equal([delta.simulated ?? false, delta.candles[0].flags], [false, ["synthetic"]]);
    }),
    what_is_wrong_is_said_with_its_field: withServer(async (server) => {
        await save(server, "BTCUSDT", [candle(0, 1)]);
        const s = await open(server);
        const rows = [
            ["not json", "{", "bad_request", undefined], ["no op", "{}", "validation_error", "op"],
            ["unknown op", '{"op":"order"}', "validation_error", "op"],
            ["no symbol", '{"op":"subscribe","timeframe":"1m"}', "validation_error", "symbol"],
            ["bad timeframe", '{"op":"subscribe","symbol":"X","timeframe":"9q"}', "validation_error", "timeframe"],
            ["bad channel", '{"op":"subscribe","symbol":"X","timeframe":"1m","channel":"weather"}', "validation_error", "channel"],
            ["unknown member", '{"op":"subscribe","symbol":"X","timeframe":"1m","limti":3}', "validation_error", "limti"],
            ["not stored", '{"op":"subscribe","symbol":"NOPE","timeframe":"1m"}', "not_found", "symbol"],
            ["not subscribed", '{"op":"unsubscribe","series":"binance:X:1m"}', "not_found", "series"],
        ];
        for (const [name, text, code, field] of rows) {
            s.send(text);
            const m = await s.next();
            equal([m.type, m.code, m.field], ["error", code, field], name);
        }
        equal((await subscribe(s, "BTCUSDT")).type, "snapshot");
        equal((await subscribe(s, "BTCUSDT")).code, "conflict");
        s.say({ op: "list" });
        equal((await s.next()).subscriptions.map((x) => x.series), ["binance:BTCUSDT:1m"]);
        s.say({ op: "unsubscribe", series: "binance:BTCUSDT:1m", id: "u" });
        equal([(await s.next()).type], ["unsubscribed"]);
        await save(server, "BTCUSDT", [candle(0, 2)]);
        s.say({ op: "ping" });
        equal((await s.next()).type, "pong");
    }),
    coming_back_from_a_sequence_loses_and_doubles_nothing: withServer(async (server) => {
        // Deltas applied by open time are the store's own state, however often the line was cut.
        await save(server, "BTCUSDT", [candle(0, 1)]);
        const seen = new Map();
        let seq = -1, cuts = 0, resumed = 0;
        const apply = (m) => {
            if (m.type === "snapshot") seen.clear();
            else if (m.type === "delta") equal(m.seq > seq, true, `${m.seq} after ${seq}`);
            seq = m.seq;
            for (const c of m.candles) seen.set(c.timestamp, c.close);
        };
        let stop = false, i = 1, last;
        const writer = (async () => {
            while (!stop) {
                last = await save(server, "BTCUSDT", [candle(i % 50, i), ...(i % 7 ? [] : [candle(50 + i % 11, i)])]);
                i++;
            }
        })();
        while (cuts < 15) {
            const s = await open(server);
            const first = await subscribe(s, "BTCUSDT", { from_seq: seq, limit: 1000 });
            if (cuts) equal(first.type, "resumed");
            resumed += first.type === "resumed";
            apply(first);
            const n = 1 + (cuts * 7) % 13;
            for (let k = 0; k < n; k++) apply(await s.next());
            s.terminate();
            cuts++;
            await sleep((cuts % 4) * 10);
        }
        stop = true;
        await writer;
        const s = await open(server);
        apply(await subscribe(s, "BTCUSDT", { from_seq: seq, limit: 1000 }));
        equal(seq, last.revision);
        const page = await (await fetch(`${server.url}/api/v1/market/candles?symbol=BTCUSDT&timeframe=1m&limit=1000`)).json();
        equal([...seen].sort(), page.candles.map((c) => [c.timestamp, c.close]).sort());
        ok(resumed === 14, `${resumed} resumed`);
    }),
    a_sequence_from_the_future_gets_a_snapshot_that_says_so: withServer(async (server) => {
        await save(server, "BTCUSDT", [candle(0, 1)]);
        const s = await open(server);
        const m = await subscribe(s, "BTCUSDT", { from_seq: 999 });
        equal([m.type, m.reason], ["snapshot", "too_old"]);
        const t = await open(server);
        const n = await subscribe(t, "BTCUSDT", { from_seq: m.seq });
        equal([n.type, n.candles], ["resumed", []]);
    }),
    a_bulk_load_and_a_removal_are_told_as_snapshots: withServer(async (server) => {
        await save(server, "BTCUSDT", [candle(0, 1)]);
        const s = await open(server);
        await subscribe(s, "BTCUSDT", { limit: 10 });
        await save(server, "BTCUSDT", Array.from({ length: 2000 }, (_, i) => candle(i, i + 2)));
        const m = await s.next();
        equal([m.type, m.reason, m.candles.length, m.candles[9].close], ["snapshot", "bulk", 10, 2001]);
        await save(server, "BTCUSDT", [candle(1999, 7)]);
        equal([(await s.next()).type], ["delta"]);
        const q = "symbol=BTCUSDT&timeframe=1m&exchange=binance&start=2024-01-01T00:00:00Z&end=2024-01-02T00:00:00Z";
        const gone = await fetch(`${server.url}/api/v1/market/candles?${q}`, { method: "DELETE", headers: { "X-API-Key": KEY } });
        ok(gone.status === 200, await gone.text());
        const r = await s.next();
        equal([r.type, r.reason], ["snapshot", "removed"]);
        await save(server, "BTCUSDT", [candle(1999, 8)]);
        equal(closes(await s.next()), [8]);
    }),
    one_slow_client_among_a_thousand_delays_nobody: withServer(async (server) => {
        await save(server, "BTCUSDT", [candle(0, 1)]);
        await save(server, "BIGUSDT", Array.from({ length: 500 }, (_, i) => candle(i, 1)));
        const many = [];
        while (many.length < 1000)
            many.push(...await Promise.all(Array.from({ length: 100 }, async () => {
                const s = await open(server);
                await subscribe(s, "BTCUSDT");
                return s;
            })));
        const slow = await open(server);
        await subscribe(slow, "BTCUSDT");
        await subscribe(slow, "BIGUSDT", { limit: 1 });
        const filler = await open(server); // keeps up with the big series
        await subscribe(filler, "BIGUSDT", { limit: 1 });
        let round = 0;
        const big = async () => {
            await save(server, "BIGUSDT", Array.from({ length: 500 }, (_, k) => candle(k, ++round + 2)));
            equal((await filler.next()).candles.length, 500);
        };
        /** Ticks, each with the big series before it: how long until all of the thousand have one, in ms. */
        const ticks = async (n) => {
            const took = [];
            for (let i = 0; i < n; i++) {
                await big();
                const t0 = performance.now();
                const saved = await save(server, "BTCUSDT", [candle(0, 1 + ++round / 1000)]);
                for (const s of many) equal((await s.next()).seq, saved.revision);
                took.push(performance.now() - t0);
            }
            return took;
        };
        const conflated = async () =>
            Number((await (await fetch(`${server.url}/metrics`)).text()).match(/^finsight_live_conflated_total (\d+)/m)[1]);
        await ticks(5);
        const task = `/proc/${server.child.pid}/task`;
        const senders = readdirSync(task).filter((t) => readFileSync(`${task}/${t}/comm`, "utf8") === "send\n").length;
        equal(senders, 2, "other cores take part");
        const well = await ticks(20);
        slow._socket.pause();
        for (let i = 0; i < 300 && await conflated() === 0; i++) await big(); // until the sockets hold no more
        ok(await conflated() > 0, "the slow client is not behind");
        const behind = await ticks(40);
        slow._socket.resume();
        const page = await (await fetch(`${server.url}/api/v1/market/candles?symbol=BIGUSDT&timeframe=1m&limit=1000`)).json();
        const state = new Map();
        let spared = 0, seq = 0;
        while (seq < page.revision) {
            const m = await slow.next();
            spared += m.conflated === true || m.type === "snapshot";
            if (m.series !== "binance:BIGUSDT:1m") continue;
            ok(m.seq > seq, `${m.seq} after ${seq}`);
            seq = m.seq;
            for (const c of m.candles) state.set(c.timestamp, c.close);
        }
        ok(spared > 0, "the slow client was spared nothing");
        equal(state.get(page.candles[499].timestamp.replace(".000", "")), page.candles[499].close);
        well.push(...await ticks(20)); // before and after: the machine's own weather meets both
        const median = (v) => v.sort((x, y) => x - y)[v.length >> 1];
        const [alone, beside] = [median(well), median(behind)];
        ok(beside <= 1.5 * alone + 10, `a tick reaches all in ${beside} ms beside a slow client, in ${alone} ms without`);
        for (const s of [...many, filler, slow]) s.terminate();
    }, { FINSIGHT_LIVE_SLOW: "60s", FINSIGHT_SERVER_CPU_THREADS: "3" }),
    who_stays_behind_is_closed_with_1013: withServer(async (server) => {
        await save(server, "BIGUSDT", [candle(0, 1)]);
        const slow = await open(server);
        await subscribe(slow, "BIGUSDT", { limit: 1 });
        slow._socket.pause();
        for (let i = 0; i < 150; i++)
            await save(server, "BIGUSDT", Array.from({ length: 500 }, (_, k) => candle(k, i + 2)));
        await sleep(600);
        slow._socket.resume();
        equal(await slow.closed, [1013, "too slow"]);
    }, { FINSIGHT_LIVE_SLOW: "300ms" }),
    limits_are_held: withServer(async (server) => {
        for (const n of ["A1", "A2", "A3"]) await save(server, n, [candle(0, 1)]);
        const s = await open(server);
        equal((await subscribe(s, "A1")).type, "snapshot");
        equal((await subscribe(s, "A2")).type, "snapshot");
        equal((await subscribe(s, "A3")).code, "limit_exceeded");
        for (let i = 0; i < 30; i++) s.say({ op: "ping" });
        equal((await s.closed)[0], 1008);
        const t = await open(server);
        t.send("x".repeat(20000));
        equal((await t.closed)[0], 1009);
        const u = await open(server);
        u.send(Buffer.from([1]));
        equal((await u.closed)[0], 1003);
        const a = await open(server), b = await open(server);
        const refused = new ws.WebSocket(`${server.url.replace("http", "ws")}/ws`);
        const [error] = await once(refused, "error");
        ok(error.message.includes("503"), error.message);
        ok(a && b, "two are in");
        const evil = new ws.WebSocket(`${server.url.replace("http", "ws")}/ws`, { origin: "https://evil.example" });
        ok((await once(evil, "error"))[0].message.includes("403"), "another origin");
        const good = await fetch(`${server.url}/ws`);
        equal(good.status, 400);
    }, { FINSIGHT_LIVE_MAX_SUBSCRIPTIONS: "2", FINSIGHT_LIVE_MAX_MESSAGES: "5", FINSIGHT_LIVE_MAX_CONNECTIONS: "2" }),
    heartbeats_come: withServer(async (server) => {
        const s = await open(server);
        await sleep(700);
        ok(s.heartbeats >= 2 && s.heartbeats <= 7, `${s.heartbeats} heartbeats`);
    }, { FINSIGHT_LIVE_HEARTBEAT: "150ms" }),
    ten_thousand_idle_sockets_fit_into_100_mb: async () => {
        const want = 10000;
        const limit = Number(execFileSync("bash", ["-c", "ulimit -Hn"]).toString());
        if (!(limit > want + 500)) return `the hard limit of open files is ${limit}`;
        const server = await start({ FINSIGHT_LIVE_MAX_CONNECTIONS: "20000", FINSIGHT_SERVER_MAX_CONNECTIONS: "20000" });
        try {
            execFileSync("prlimit", ["--pid", String(server.child.pid), `--nofile=${limit}:${limit}`]);
            execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${limit}:${limit}`]);
            const maps = execFileSync("cat", [`/proc/${server.child.pid}/maps`]).toString();
            if (/libtsan|libasan/.test(maps)) return "a sanitizer's shadow is no memory of the server's";
            const rss = () => Number(/VmRSS:\s+(\d+)/.exec(execFileSync("cat", [`/proc/${server.child.pid}/status`]).toString())[1]);
            const before = rss();
            const { connect } = await import("node:net");
            const port = Number(new URL(server.url).port);
            const sockets = [];
            const text = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            for (let i = 0; i < want; i += 250)
                await Promise.all(Array.from({ length: 250 }, (_, k) => new Promise((resolve, reject) => {
                    // Addresses of their own: one address has not enough ports for all.
                    const s = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${1 + ((i + k) % 4)}` });
                    sockets.push(s);
                    s.on("error", reject);
                    s.once("data", (d) => (d.toString().startsWith("HTTP/1.1 101") ? resolve() : reject(new Error(d.toString()))));
                    s.write(text);
                })));
            await sleep(300);
            const after = rss();
            console.log(`# ${want} idle sockets: ${((after - before) / want).toFixed(2)} KB each, ${(after / 1024).toFixed(1)} MB in all`);
            ok(after < 100 * 1024, `${after} KB`);
            for (const s of sockets) s.destroy();
        } finally {
            await server.stop();
        }
    },
});

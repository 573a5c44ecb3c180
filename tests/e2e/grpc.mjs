// The real binary over gRPC as grpc-js speaks it (GRP-01, GRP-09, GRP-10, GRP-11): every kind of call, deadlines,
// cancellation, metadata, sizes, compression, TLS, health, reflection.
//     node grpc.mjs FINSIGHT SOURCE_ROOT
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:http2";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { equal, ok, run, skipAll, skipped } from "./sim.mjs";

const [program, root] = process.argv.slice(2);
let grpc, loader;
try {
    const require = createRequire(join(root, ".cache/peers/grpc/"));
    grpc = require("@grpc/grpc-js");
    loader = require("@grpc/proto-loader");
} catch {
    skipAll("grpc-js is not here (tools/setup test fetches it)");
}
const load = (file) => grpc.loadPackageDefinition(loader.loadSync(join(root, "proto", file), {
    includeDirs: [join(root, "proto")], longs: Number, enums: String, defaults: true, oneofs: true, keepCase: true }));
const { MarketDataService } = load("market.proto").finsight.market;
const { NewsService } = load("news_service.proto").finsight.news;
const { Health } = load("grpc/health/v1/health.proto").grpc.health.v1;

const KEY = "grpc-test-key";
const HOUR = 3600000;
const T0 = Date.UTC(2024, 0, 1);

async function start(args = [], dir = mkdtempSync(join(tmpdir(), "finsight-grpc-")), env = {}) {
    const child = spawn(program, ["serve", "--port", "0", "--data-dir", join(dir, "data"), "--json", ...args],
        { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, FINSIGHT_AUTH_ADMIN_KEY: KEY, ...env } });
    let err = "";
    child.stderr.on("data", (d) => { err += d; });
    const line = await Promise.race([
        once(createInterface({ input: child.stdout }), "line").then(([l]) => l),
        once(child, "exit").then(([code]) => { throw new Error(`finsight ended with ${code}: ${err}`); }),
    ]);
    const url = JSON.parse(line).url, address = url.replace(/^https?:\/\//, "");
    return {
        url, address, child, dir,
        async metric(text) {
            const all = await (await fetch(`${url}/metrics`)).text();
            return Number(all.split("\n").find((l) => l.startsWith(text))?.split(" ").pop() ?? 0);
        },
        async stop() {
            child.kill("SIGTERM");
            const [code, signal] = await once(child, "exit");
            rmSync(dir, { recursive: true });
            equal([code, signal], [0, null], `exit (${err.slice(-2000)})`);
        },
    };
}

const plain = () => grpc.credentials.createInsecure();
const withServer = (work, args) => async () => {
    const server = await start(args);
    const clients = [];
    const client = (Service, credentials = plain(), options = {}) => {
        const c = new Service(server.address, credentials, options);
        clients.push(c);
        return c;
    };
    try {
        return await work(server, client);
    } finally {
        clients.forEach((c) => c.close());
        await server.stop();
    }
};

/** A unary call as a promise of {error, value, head, tail}. */
function call(client, method, message, metadata = new grpc.Metadata(), options = {}) {
    return new Promise((resolve) => {
        const out = {};
        const c = client[method](message, metadata, options, (error, value) => { Object.assign(out, { error, value }); });
        c.on("metadata", (m) => { out.head = m; });
        c.on("status", (s) => { out.status = s; setImmediate(() => resolve(out)); });
    });
}

/** All messages of a stream, then its status. */
function drain(stream) {
    return new Promise((resolve) => {
        const messages = [];
        stream.on("data", (m) => messages.push(m));
        stream.on("error", () => {});
        stream.on("status", (status) => resolve({ messages, status }));
    });
}

const key = () => {
    const m = new grpc.Metadata();
    m.set("x-api-key", KEY);
    return m;
};
const rows = (from, n) => Array.from({ length: n }, (_, i) => (
    { open_time: T0 + (from + i) * HOUR, open: 100, high: 200, low: 50, close: 100 + (from + i) % 50, volume: 1 + i }));
const series = { symbol: "GRPCUSDT", timeframe: "1h" };

/** Stores n candles by client streaming, in batches. */
function save(client, n, batch = 1000, metadata = key()) {
    return new Promise((resolve) => {
        const out = {};
        const c = client.SaveOHLCV(metadata, (error, value) => { Object.assign(out, { error, value }); });
        c.on("status", (status) => setImmediate(() => resolve({ ...out, status })));
        for (let i = 0; i < n; i += batch)
            c.write({ ...series, candles: rows(i, Math.min(batch, n - i)) });
        c.end();
    });
}

/** A service nobody here wrote the server of: messages are bytes. */
const echoMethods = Object.fromEntries([["Unary", false, false], ["Many", false, true], ["Sum", true, false], ["Both", true, true]]
    .map(([name, requestStream, responseStream]) => [name, { path: `/test.Echo/${name}`, requestStream, responseStream,
        requestSerialize: (x) => x, requestDeserialize: (x) => x, responseSerialize: (x) => x, responseDeserialize: (x) => x }]));
const Echo = grpc?.makeGenericClientConstructor(echoMethods, "Echo");

function startEcho() {
    const server = new grpc.Server({ "grpc.max_receive_message_length": 64 << 20 });
    const seen = { cancelled: 0, deadlines: [], keys: [] };
    server.addService(echoMethods, {
        Unary(c, done) {
            const text = c.request.toString("latin1", 0, 20);
            seen.deadlines.push(c.getDeadline());
            seen.keys.push(c.metadata.get("x-mine")[0]);
            c.sendMetadata(c.metadata);
            if (text === "never") return;
            if (text === "fail") done({ code: grpc.status.UNAVAILABLE, details: "not now: 100 %" });
            else done(null, c.request, new grpc.Metadata());
        },
        Many(c) {
            let n = 0;
            const next = () => {
                while (n++ < 100000 && !c.cancelled) if (!c.write(Buffer.alloc(1000, n))) { c.once("drain", next); return; }
                if (!c.cancelled) c.end();
            };
            c.on("cancelled", () => { seen.cancelled++; });
            next();
        },
        Sum(c, done) {
            let n = 0;
            c.on("data", (m) => { n += m.length; });
            c.on("end", () => { const m = new grpc.Metadata(); m.set("x-total", String(n)); done(null, Buffer.from(String(n)), m); });
        },
        Both(c) {
            c.on("data", (m) => { if (!c.write(m)) { c.pause(); c.once("drain", () => c.resume()); } });
            c.on("end", () => c.end());
        },
    });
    return new Promise((resolve, reject) => server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(),
        (e, port) => (e ? reject(e) : resolve({ server, port, seen, stop: () => server.forceShutdown() }))));
}

const withEcho = (work) => async () => {
    const echo = await startEcho();
    const server = await start(["--roles", "gateway", "--services", `echo=grpc://127.0.0.1:${echo.port}`,
        "--routes", "/test.Echo/*=echo;role=none"]);
    const client = new Echo(server.address, plain(), { "grpc.max_receive_message_length": 64 << 20 });
    try {
        return await work(client, echo, server);
    } finally {
        client.close();
        await server.stop();
        echo.stop();
    }
};

const certificate = (dir) => {
    const [crt, pem] = [join(dir, "c.pem"), join(dir, "k.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pem,
        "-out", crt, "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    { stdio: "ignore" });
    return [crt, pem];
};

await run({
    "client streaming stores, unary reads it back, both as HTTP does": withServer(async (server, client) => {
        const c = client(MarketDataService);
        const saved = await save(c, 2500);
        equal(saved.value, { batches: 3, received: 2500, inserted: 2500, updated: 0, unchanged: 0 }, "saved");
        const { value, head } = await call(c, "GetOHLCV", { ...series, limit: 3, start: "2024-01-02" });
        const http = await (await fetch(`${server.url}/api/v1/market/candles?symbol=GRPCUSDT&timeframe=1h&limit=3&start=2024-01-02`)).json();
        equal(value.candles.map((x) => [x.open_time, x.open, x.high, x.low, x.close, x.volume]),
            http.candles.map((x) => [Date.parse(x.timestamp), x.open, x.high, x.low, x.close, x.volume]), "candles");
        equal([value.more, value.next_start, value.exchange], [true, Date.parse(http.next_start), http.exchange], "page");
        ok(/^[0-9a-f-]{36}$/.test(head.get("x-request-id")[0]), "a call has its id in the metadata");
    }),

    "server streaming gives the whole range page by page": withServer(async (server, client) => {
        const c = client(MarketDataService);
        await save(c, 5000);
        const { messages, status } = await drain(c.StreamOHLCV({ ...series, limit: 700, tag: "t" }));
        equal(status.code, grpc.status.OK, "status");
        equal(messages.map((m) => m.candles.length), [700, 700, 700, 700, 700, 700, 700, 100], "pages");
        const times = messages.flatMap((m) => m.candles.map((x) => x.open_time));
        equal(times, Array.from({ length: 5000 }, (_, i) => T0 + i * HOUR), "all candles once, in order");
        ok(messages.every((m) => m.tag === "t"), "each page has the tag of its question");
    }),

    "ten thousand messages both ways on one call, with flow control": withServer(async (server, client) => {
        const c = client(MarketDataService);
        await save(c, 100);
        const stream = c.QueryOHLCV();
        const n = 10000, got = [];
        let reading = true;
        const ended = new Promise((resolve) => {
            stream.on("status", resolve);
            stream.on("error", () => {});
        });
        stream.on("data", (m) => {
            got.push(m.tag);
            if (got.length % 1000 === 0 && reading) { // a client that rests must not be flooded, nor lose anything
                stream.pause();
                setTimeout(() => stream.resume(), 20);
            }
        });
        for (let i = 0; i < n; i++)
            if (!stream.write({ ...series, limit: 20, tag: String(i) }))
                await once(stream, "drain");
        stream.end();
        const status = await ended;
        equal(status.code, grpc.status.OK, "status");
        equal(got, Array.from({ length: n }, (_, i) => String(i)), "answers in order");
    }),

    "errors have a status, words, and what the documents' error has": withServer(async (server, client) => {
        const c = client(MarketDataService);
        const bad = await call(c, "GetOHLCV", { symbol: "X", timeframe: "77h" });
        equal(bad.error.code, grpc.status.INVALID_ARGUMENT, "code");
        ok(bad.error.details.includes("77h"), bad.error.details);
        const details = bad.error.metadata.get("grpc-status-details-bin")[0].toString("latin1");
        ok(details.includes("validation_error") && details.includes("timeframe") && details.includes("ErrorInfo"), details);
        equal((await call(c, "GetOHLCV", { ...series })).error.code, grpc.status.NOT_FOUND, "no such series");
        equal((await save(c, 1, 1, new grpc.Metadata())).status.code, grpc.status.UNAUTHENTICATED, "no key");
        const wrong = new grpc.Metadata();
        wrong.set("authorization", "Bearer no");
        equal((await save(c, 1, 1, wrong)).status.code, grpc.status.PERMISSION_DENIED, "a key that is none");
        const bearer = new grpc.Metadata();
        bearer.set("authorization", `Bearer ${KEY}`);
        equal((await save(c, 1, 1, bearer)).status.code, grpc.status.OK, "a key as Bearer");
        const late = await drain(c.StreamOHLCV({ ...series, order: "latest" }));
        equal([late.status.code, late.messages.length], [grpc.status.INVALID_ARGUMENT, 0], "of a stream");
        c.makeUnaryRequest("/finsight.market.MarketDataService/Nothing", (x) => x, (x) => x, Buffer.alloc(0), () => {});
        const none = await new Promise((resolve) => c.makeUnaryRequest("/finsight.market.MarketDataService/Nothing",
            (x) => x, (x) => x, Buffer.alloc(0), (e) => resolve(e)));
        equal(none.code, grpc.status.UNIMPLEMENTED, "a method that is none");
    }),

    "deadlines and cancellation end calls on both sides": withServer(async (server, client) => {
        const c = client(MarketDataService);
        await save(c, 20000);
        // by hand, as a client of grpc-js ends its call itself: a deadline of a nanosecond
        const h2 = connect(server.url);
        const body = Buffer.from("0000000000", "hex");
        const raw = h2.request({ ":method": "POST", ":path": "/finsight.market.MarketDataService/GetOHLCV", te: "trailers",
            "content-type": "application/grpc", "grpc-timeout": "1n" });
        const seen = {};
        raw.on("response", (h) => Object.assign(seen, h));
        raw.on("trailers", (h) => Object.assign(seen, h));
        raw.end(body);
        raw.resume();
        await once(raw, "close");
        h2.close();
        equal(seen["grpc-status"], "4", "DEADLINE_EXCEEDED of the server");
        const stream = c.StreamOHLCV({ ...series, limit: 1 });
        await once(stream, "data");
        stream.on("error", () => {});
        stream.cancel();
        const cancelled = 'finsight_grpc_calls_total{method="finsight.market.MarketDataService/StreamOHLCV",status="CANCELLED"}';
        for (let i = 0; i < 600 && !(await server.metric(cancelled)); i++)
            await new Promise((resolve) => setTimeout(resolve, 100));
        equal(await server.metric(cancelled), 1, "calls cancelled");
        const slow = c.StreamOHLCV({ ...series, limit: 1 }, new grpc.Metadata(), { deadline: Date.now() + 300 });
        slow.pause();
        slow.on("error", () => {});
        const status = await new Promise((resolve) => slow.on("status", resolve));
        equal(status.code, grpc.status.DEADLINE_EXCEEDED, "a client that does not read, at its deadline");
    }),

    "a stop while streams are being made ends as any other": async () => {
        const server = await start([], undefined, { FINSIGHT_SERVER_DRAIN: "0s" });
        const c = new MarketDataService(server.address, plain());
        await save(c, 20000);
        const streams = Array.from({ length: 8 }, () => c.StreamOHLCV({ ...series, limit: 1 }));
        streams.forEach((s) => s.on("error", () => {}));
        await Promise.all(streams.map((s) => once(s, "data"))); // each read reads a thousand pages more on a lane
        await server.stop();
        c.close();
    },

    "messages up to the limit pass, larger ones are refused": withServer(async (server, client) => {
        const c = client(MarketDataService, plain(), { "grpc.max_receive_message_length": 64 << 20 });
        const saved = await save(c, 100000, 100000); // one message of 6 MB
        equal([saved.error, saved.value?.received], [null, 100000], "stored");
        const { error, value } = await call(c, "GetOHLCV", { ...series, limit: 20000 });
        equal([error, value?.candles.length], [null, 20000], "read back in one message");
        const large = await call(c, "GetOHLCV", { ...series, tag: "x".repeat(5 << 20) });
        equal(large.error.code, grpc.status.RESOURCE_EXHAUSTED, "a question of five megabytes");
        equal((await call(c, "GetOHLCV", { ...series, limit: 1, tag: "y".repeat(3 << 20) })).value.tag.length, 3 << 20, "of three");
    }),

    "messages are compressed both ways where the client does": withServer(async (server, client) => {
        const c = client(MarketDataService, plain(), { "grpc.default_compression_algorithm": 2 });
        await save(c, 3000);
        const { value, head } = await call(c, "GetOHLCV", { ...series, limit: 3000 });
        equal(value.candles.length, 3000, "candles");
        ok(head !== undefined, "metadata came");
    }),

    "health answers, watches, and says that the server goes": async () => {
        const server = await start();
        const c = new Health(server.address, plain());
        equal((await call(c, "Check", {})).value, { status: "SERVING" }, "the server");
        equal((await call(c, "Check", { service: "finsight.market.MarketDataService" })).value.status, "SERVING", "a service");
        equal((await call(c, "Check", { service: "no.such" })).error.code, grpc.status.NOT_FOUND, "no service");
        const all = (await call(c, "List", {})).value.statuses;
        equal(all["finsight.market.MarketDataService"], { status: "SERVING" }, "list");
        const unknown = c.Watch({ service: "no.such" });
        unknown.on("error", () => {});
        equal((await once(unknown, "data"))[0].status, "SERVICE_UNKNOWN", "watched before it is there");
        const watch = c.Watch({});
        const seen = drain(watch);
        await once(watch, "data");
        await server.stop();
        equal((await seen).messages.map((m) => m.status), ["SERVING", "NOT_SERVING"], "watched");
        unknown.cancel();
        c.close();
    },

    "reflection describes every service, in both versions": withServer(async (server, client) => {
        for (const version of ["v1", "v1alpha"]) {
            const { ServerReflection } = load(`grpc/reflection/${version}/reflection.proto`).grpc.reflection[version];
            const stream = client(ServerReflection).ServerReflectionInfo();
            const answers = drain(stream);
            stream.write({ list_services: "*" });
            stream.write({ file_containing_symbol: "finsight.market.MarketDataService" });
            stream.write({ file_containing_symbol: "finsight.market.MarketDataService.GetOHLCV" });
            stream.write({ file_containing_symbol: "finsight.market.Candle" });
            stream.write({ file_by_filename: "market.proto" });
            stream.write({ file_containing_symbol: "no.such.Thing", host: "h" });
            stream.write({ file_containing_symbol: "grpc.health.v1.HealthCheckResponse.SERVING" });
            stream.end();
            const { messages, status } = await answers;
            equal(status.code, grpc.status.OK, "status");
            const names = messages[0].list_services_response.service.map((s) => s.name).sort();
            ok(["finsight.market.MarketDataService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection"].every((n) => names.includes(n)), names.join());
            for (const i of [1, 2, 3, 4])
                ok(messages[i].file_descriptor_response.file_descriptor_proto[0].includes("finsight.market"), `answer ${i}`);
            equal(messages[5].error_response.error_code, 5, "no such symbol");
            equal(messages[5].valid_host, "h", "host");
            ok(messages[6].file_descriptor_response, "a value of an enum");
        }
    }),

    "calls pass through the gateway: every kind, trailers, metadata, deadlines": withEcho(async (client, echo) => {
        const mine = new grpc.Metadata();
        mine.set("x-mine", "yes");
        const one = await call(client, "Unary", Buffer.from("hello"), mine, { deadline: Date.now() + 50000 });
        equal([one.error, String(one.value)], [null, "hello"], "unary");
        equal(one.head.get("x-mine"), ["yes"], "metadata there and back");
        const left = echo.seen.deadlines.at(-1) - Date.now();
        ok(left > 20000 && left <= 50000, `the deadline is passed on: ${left}`);
        await call(client, "Unary", Buffer.from("hello"));
        equal(echo.seen.deadlines.at(-1), Infinity, "no deadline is made up");
        const failed = await call(client, "Unary", Buffer.from("fail"));
        equal([failed.error.code, failed.error.details], [grpc.status.UNAVAILABLE, "not now: 100 %"], "its status and words");
        const late = await call(client, "Unary", Buffer.from("never"), mine, { deadline: Date.now() + 400 });
        equal(late.error.code, grpc.status.DEADLINE_EXCEEDED, "deadline");
        const big = Buffer.alloc(3 << 20, 7);
        ok(big.equals((await call(client, "Unary", big)).value), "three megabytes there and back");
        const many = await drain(client.Many(Buffer.alloc(1)));
        equal([many.status.code, many.messages.length], [0, 100000], "a hundred megabytes streamed");
        const sum = await new Promise((resolve) => {
            const out = {};
            const c = client.Sum(new grpc.Metadata(), (error, value) => Object.assign(out, { error, value }));
            c.on("status", (status) => setImmediate(() => resolve({ ...out, status })));
            let n = 0;
            const next = () => {
                while (n++ < 20000) if (!c.write(Buffer.alloc(1000))) { c.once("drain", next); return; }
                c.end();
            };
            next();
        });
        equal(String(sum.value), "20000000", "twenty megabytes up");
        equal(sum.status.metadata.get("x-total"), ["20000000"], "trailers");
    }),

    "both ways at once through the gateway, and a client that leaves": withEcho(async (client, echo) => {
        const both = client.Both();
        const answers = drain(both);
        for (let i = 0; i < 10000; i++)
            if (!both.write(Buffer.from(String(i))))
                await once(both, "drain");
        both.end();
        const { messages, status } = await answers;
        equal(status.code, 0, "status");
        equal(messages.map(String), Array.from({ length: 10000 }, (_, i) => String(i)), "in order");
        const turns = client.Both(); // one message after the other's answer: nothing is held back on the way
        for (let i = 0; i < 50; i++) {
            turns.write(Buffer.from([i]));
            equal((await once(turns, "data"))[0][0], i, "turn");
        }
        turns.end();
        const left = client.Many(Buffer.alloc(1));
        left.on("error", () => {});
        await once(left, "data");
        left.cancel();
        for (let i = 0; i < 600 && !echo.seen.cancelled; i++)
            await new Promise((resolve) => setTimeout(resolve, 100));
        equal(echo.seen.cancelled, 1, "the service hears of it");
    }),

    "a revoked key ends the streams it opened, here and passed on (SEC-23)": withEcho(async (client, echo, server) => {
        const admin = { "X-API-Key": KEY, "Content-Type": "application/json" };
        const make = async () => (await fetch(`${server.url}/api/v1/admin/keys`,
            { method: "POST", headers: admin, body: JSON.stringify({ name: "streams" }) })).json();
        const keyed = (secret) => { const m = new grpc.Metadata(); m.set("x-api-key", secret); return m; };
        const open = async (secret) => { // one whose reply has begun, one that only sends, one of this process
            const both = client.Both(keyed(secret)), sum = client.Sum(keyed(secret), () => {});
            both.write(Buffer.from("x"));
            sum.write(Buffer.from("x"));
            sum.on("error", () => {});
            const health = new Health(server.address, plain());
            const watch = health.Watch({ service: "" }, keyed(secret));
            await Promise.all([once(both, "data"), once(watch, "data")]);
            return { both, sum, watch, health };
        };
        const other = await make(), stays = await open(other.secret);
        const took = [];
        for (let i = 0; i < 3; i++) { // the best of three: what else the machine does is not measured here
            const made = await make(), mine = await open(made.secret);
            const ends = [drain(mine.both), drain(mine.watch),
                new Promise((resolve) => mine.sum.on("status", (status) => resolve({ status })))];
            const gone = await fetch(`${server.url}/api/v1/admin/keys/${made.key.id}`, { method: "DELETE", headers: admin });
            const began = performance.now();
            equal(gone.status, 200, "revoked");
            const ended = await Promise.all(ends);
            took.push(performance.now() - began);
            equal(ended.map((e) => [e.status.code, e.status.details]),
                Array(3).fill([grpc.status.PERMISSION_DENIED, "the key is no longer good"]), "how they end");
            mine.health.close();
        }
        ok(Math.min(...took) < 1000, `ended after ${took} ms`);
        stays.both.write(Buffer.from("still"));
        equal(String((await once(stays.both, "data"))[0]), "still", "another key's goes on");
        stays.both.end();
        stays.sum.cancel();
        stays.watch.on("error", () => {});
        stays.watch.cancel();
        stays.health.close();
    }),

    "a service that has gone is UNAVAILABLE": withEcho(async (client, echo, server) => {
        equal((await call(client, "Unary", Buffer.from("x"))).error, null, "there");
        echo.stop();
        const gone = await call(client, "Unary", Buffer.from("x"));
        equal(gone.error.code, grpc.status.UNAVAILABLE, "gone");
        ok(gone.error.details.includes("echo"), gone.error.details);
        equal((await call(client, "Unary", Buffer.from("x"))).error.code, grpc.status.UNAVAILABLE, "and again");
        ok((await fetch(`${server.url}/health`)).ok !== undefined, "the gateway itself is well");
    }),

    "the market's methods behind a gateway in another process": async () => {
        const market = await start(["--roles", "market"]);
        const gateway = await start(["--roles", "gateway", "--services", `market=${market.address},backtest=127.0.0.1:1`]);
        const c = new MarketDataService(gateway.address, plain());
        equal((await save(c, 1500)).value?.inserted, 1500, "client streaming through both");
        const { messages, status } = await drain(c.StreamOHLCV({ ...series, limit: 1000 }));
        equal([status.code, messages.map((m) => m.candles.length)], [0, [1000, 500]], "server streaming");
        equal((await save(c, 1, 1, new grpc.Metadata())).status.code, grpc.status.UNAUTHENTICATED, "refused at the gateway");
        equal((await call(c, "GetOHLCV", { symbol: "X", timeframe: "77h" })).error.code, grpc.status.INVALID_ARGUMENT, "and by the role");
        c.close();
        await gateway.stop();
        await market.stop();
    },

    "news: collected, listed, searched and streamed (GRP-01)": async () => {
        const item = (n) => `<item><title>Story ${n} about ${n % 2 ? "halving" : "staking"}</title><link>https://news.example/${n}</link>
            <guid>${n}</guid><pubDate>${new Date(T0 + n * HOUR).toUTCString()}</pubDate><description>${["Miners wait for block",
            "Validators look at epoch", "Exchanges list token", "Banks study ledger", "Courts read filing"][n % 5]} number ${n * 7919}
            while ${["traders", "funds", "wallets", "brokers", "regulators", "auditors", "lenders"][n % 7]} count
            ${n * 104729} coins.</description></item>`;
        const feed = createServer((req, res) => {
            if (req.url !== "/feed") { res.writeHead(404).end(); return; }
            res.setHeader("content-type", "application/rss+xml");
            res.end(`<rss version="2.0"><channel><title>t</title>${Array.from({ length: 12 }, (_, i) => item(i)).join("")}</channel></rss>`);
        });
        feed.listen(0, "127.0.0.1");
        await once(feed, "listening");
        const server = await start(["--news-sources", `wire=http://127.0.0.1:${feed.address().port}/feed`, "--news-private",
            "--news.near_same=false"]);
        const c = new NewsService(server.address, plain());
        equal((await call(c, "CollectNews", {})).error.code, grpc.status.UNAUTHENTICATED, "collecting needs a key");
        const collected = await call(c, "CollectNews", { source: "wire" }, key());
        equal([collected.error, collected.value?.success, collected.value?.articles_collected], [null, true, 12], "collected");
        ok(/^[0-9a-f-]{36}$/.test(collected.value.job_id), collected.value.job_id);
        equal((await call(c, "CollectNews", { source: "nix" }, key())).error.code, grpc.status.NOT_FOUND, "no such source");
        const page = (await call(c, "GetNews", { limit: 5, offset: 10 })).value;
        equal([page.articles.map((a) => a.title.slice(0, 7)), page.total_count, page.has_more], [["Story 1", "Story 0"], 12, false], "page");
        equal(page.articles[1].published_at, "2024-01-01T00:00:00Z", "ISO 8601");
        const found = (await call(c, "SearchNews", { query: "halving", limit: 20 })).value;
        equal([found.articles.length, found.total_count], [6, 6], "found");
        ok(found.search_time_ms > 0, `${found.search_time_ms}`);
        const { messages, status } = await drain(c.StreamNews({ limit: 7 }));
        equal([status.code, messages.map((a) => Number(a.title.split(" ")[1]))], [0, [11, 10, 9, 8, 7, 6, 5]], "streamed");
        const many = c.SearchMany();
        for (const query of ["staking", "halving"]) {
            many.write({ query, limit: 1 });
            ok((await once(many, "data"))[0].articles[0].title.includes(query), query);
        }
        many.end();
        c.close();
        feed.close();
        await server.stop();
    },

    "the conformance tests of HTTP/2 find nothing (GRP-08)": async () => {
        const h2spec = join(root, ".cache/peers/go/h2spec");
        if (!existsSync(h2spec)) return skipped("h2spec is not here (make peers builds it where Go is)");
        const dir = mkdtempSync(join(tmpdir(), "finsight-grpc-"));
        const [crt, pem] = certificate(dir);
        const server = await start(["--tls-cert", crt, "--tls-key", pem], dir); // a plain port speaks HTTP/1.1 as well
        const child = spawn(h2spec, ["-h", "localhost", "-p", server.address.split(":").pop(), "-t", "-k", "-P", "/health", "-o", "10"],
            { stdio: ["ignore", "pipe", "inherit"] });
        let out = "";
        child.stdout.on("data", (d) => { out += d; });
        await once(child, "close");
        await server.stop();
        const [, all, passed] = /(\d+) tests, (\d+) passed/.exec(out) ?? [];
        ok(all >= 140 && passed === all, out.slice(-3000));
    },

    "over TLS, by ALPN": async () => {
        const dir = mkdtempSync(join(tmpdir(), "finsight-grpc-"));
        const [crt, pem] = certificate(dir);
        const server = await start(["--tls-cert", crt, "--tls-key", pem], dir);
        const c = new Health(`localhost:${server.address.split(":").pop()}`, grpc.credentials.createSsl(readFileSync(crt)));
        equal((await call(c, "Check", {})).value, { status: "SERVING" }, "check");
        c.close();
        await server.stop();
    },

    "grpcurl lists, describes and calls (GRP-01)": withServer(async (server) => {
        const grpcurl = join(root, ".cache/peers/go/grpcurl");
        if (!existsSync(grpcurl)) return skipped("grpcurl is not here (make peers builds it where Go is)");
        const ask = (...args) => new Promise((resolve) => {
            const child = spawn(grpcurl, ["-plaintext", ...args], { stdio: ["ignore", "pipe", "pipe"] });
            let out = "";
            child.stdout.on("data", (d) => { out += d; });
            child.stderr.on("data", (d) => { out += d; });
            child.on("close", (code) => resolve({ code, out }));
        });
        const list = await ask(server.address, "list");
        ok(list.out.split("\n").includes("finsight.market.MarketDataService"), list.out);
        const described = await ask(server.address, "describe", "finsight.market.MarketDataService.GetOHLCV");
        ok(described.out.includes("returns ( .finsight.market.OHLCVResponse )"), described.out);
        const health = await ask(server.address, "grpc.health.v1.Health/Check");
        equal([health.code, JSON.parse(health.out).status], [0, "SERVING"], "a call");
        const bad = await ask("-d", '{"symbol":"X","timeframe":"7q"}', server.address, "finsight.market.MarketDataService/GetOHLCV");
        ok(bad.code !== 0 && bad.out.includes("InvalidArgument") && bad.out.includes("7q"), bad.out);
        ok(bad.out.includes('"reason": "validation_error"') && bad.out.includes('"field": "timeframe"'), bad.out);
    }),

    "what is not gRPC is told so": withServer(async (server) => {
        const r = await fetch(`${server.url}/finsight.market.MarketDataService/GetOHLCV`, { method: "POST", body: "{}",
            headers: { "content-type": "application/json" } });
        equal(r.status, 415, "JSON to a method");
        equal((await r.json()).error.code, "unsupported_media_type", "code");
        const h2 = connect(server.url);
        const raw = h2.request({ ":method": "POST", ":path": "/grpc.health.v1.Health/Check", te: "trailers",
            "content-type": "application/grpc" });
        let seen;
        raw.on("response", (h) => { seen = h; });
        raw.end(Buffer.from("07000000ff0801", "hex")); // a flag that is none
        raw.resume();
        await once(raw, "close");
        equal(seen["grpc-status"], "3", "a body that is no row of messages");
        h2.close();
    }),
});

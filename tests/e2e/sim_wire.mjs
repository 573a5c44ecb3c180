// The exchange simulator over a socket: what the faults do to the bytes, seen by curl and by a bare socket.
//     node sim_wire.mjs SIM_SERVER
import { execFile } from "node:child_process";
import { createConnection } from "node:net";
import { gunzipSync } from "node:zlib";
import { equal, ok, run, skipAll, startServer } from "./sim.mjs";

const [program] = process.argv.slice(2);
const NOW = Date.UTC(2024, 2, 1, 12);
const PAGE = `/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${NOW - 86400000}&limit=200`;
const server = await startServer(program, ["--seed", 5, "--now", NOW]);

/** curl's exit code, the head and the body it got. */
function curl(...args) {
    return new Promise((resolve) => {
        execFile("curl", ["-sS", "-i", "--max-time", "10", ...args], { encoding: "buffer", maxBuffer: 1 << 26 },
            (error, stdout) => {
                const at = stdout.indexOf("\r\n\r\n");
                resolve({
                    code: error ? error.code : 0,
                    head: stdout.subarray(0, Math.max(at, 0)).toString("latin1"),
                    body: stdout.subarray(at < 0 ? stdout.length : at + 4),
                });
            });
    });
}

async function withFault(rule, work) {
    const added = await curl("-X", "POST", "--data-binary", rule, `${server.base}/sim/faults`);
    ok(added.head.startsWith("HTTP/1.1 200"), added.body.toString());
    try {
        await work();
    } finally {
        await curl("-X", "DELETE", `${server.base}/sim/faults`);
    }
}

if ((await curl("--version")).code === "ENOENT") skipAll("curl is not installed");
const clean = (await curl(server.base + PAGE)).body.toString();

await run({
    "curl reads a page": async () => {
        const r = await curl(server.base + PAGE);
        equal(r.code, 0);
        ok(/^HTTP\/1\.1 200 /.test(r.head), r.head);
        ok(/^x-finsight-simulated: 1\r?$/im.test(r.head), "labelled as simulated");
        ok(/^x-mbx-used-weight-1m: \d+\r?$/im.test(r.head), "its weight is told");
        equal(JSON.parse(r.body).length, 200);
    },
    "gzip comes when asked for": async () => {
        const r = await curl("-H", "Accept-Encoding: gzip", server.base + PAGE);
        ok(/^content-encoding: gzip\r?$/im.test(r.head), r.head);
        equal(gunzipSync(r.body).toString(), clean);
        const unpacked = await curl("--compressed", server.base + PAGE);
        equal(unpacked.body.toString(), clean);
    },
    "a chunked gzip body is read whole": async () => {
        await withFault("chunked", async () => {
            const r = await curl("--compressed", server.base + PAGE);
            ok(/^transfer-encoding: chunked\r?$/im.test(r.head), r.head);
            ok(/^content-encoding: gzip\r?$/im.test(r.head), r.head);
            equal([r.code, r.body.toString()], [0, clean]);
        });
    },
    "a trickle is slow and whole": async () => {
        await withFault("trickle:n=8000", async () => {
            const began = Date.now();
            const r = await curl(server.base + PAGE);
            equal([r.code, r.body.toString()], [0, clean]);
            const least = 100 * (Math.ceil(clean.length / 8000) - 1);
            ok(Date.now() - began >= least * 0.9, `${Date.now() - began} ms, at least ${least} were due`);
        });
    },
    "a reset breaks in mid-body": async () => {
        await withFault("reset", async () => {
            const r = await curl(server.base + PAGE);
            ok([18, 52, 56].includes(r.code), `curl says ${r.code}`);
            ok(r.body.length < clean.length, "the body was cut");
            ok(clean.startsWith(r.body.toString()), "and is the beginning of it");
        });
    },
    "a stall outlasts the client's patience": async () => {
        await withFault("stall:n=60000", async () => {
            equal((await curl("--max-time", "0.4", server.base + PAGE)).code, 28);
        });
        equal((await curl(server.base + PAGE)).body.toString(), clean); /* the next one is served */
    },
    "a short stall is only late": async () => {
        await withFault("stall:n=300,count=1", async () => {
            const began = Date.now();
            equal((await curl(server.base + PAGE)).body.toString(), clean);
            ok(Date.now() - began >= 280, "it was late");
        });
    },
    "truncated JSON has a whole HTTP body": async () => {
        await withFault("truncated", async () => {
            const r = await curl(server.base + PAGE);
            equal(r.code, 0);
            ok(r.body.length < clean.length && clean.startsWith(r.body.toString()), "cut");
        });
    },
    "refusals carry Retry-After": async () => {
        await withFault("429:count=1,n=7\n418:count=1\n403:count=1", async () => {
            for (const [status, retry] of [[429, "7"], [418, "120"], [403, undefined]]) {
                const r = await curl(server.base + PAGE);
                ok(r.head.startsWith(`HTTP/1.1 ${status} `), r.head);
                equal(/^retry-after: (\d+)\r?$/im.exec(r.head)?.[1], retry);
            }
        });
    },
    "many requests on one connection are answered in order": async () => {
        const { port } = new URL(server.base);
        const socket = createConnection({ host: "127.0.0.1", port });
        let text = "";
        socket.setEncoding("latin1").on("data", (piece) => { text += piece; });
        const one = (path) => `GET ${path} HTTP/1.1\r\nHost: sim\r\n\r\n`;
        socket.write(one("/api/v3/ping") + one("/api/v3/time") + one("/nothing").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        await new Promise((resolve, reject) => socket.on("close", resolve).on("error", reject));
        equal(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 404"]);
        ok(text.includes(`{"serverTime":${NOW}}`), "the time");
    },
    "it stops at once though someone is being kept waiting": async () => {
        await curl("-X", "POST", "--data-binary", "stall:n=60000", `${server.base}/sim/faults`);
        const waiting = curl(server.base + PAGE);
        await new Promise((resolve) => setTimeout(resolve, 200));
        const began = Date.now();
        await server.stop();
        ok(Date.now() - began < 5000, "stopped");
        ok((await waiting).code !== 28, "the one who waited was told");
    },
});

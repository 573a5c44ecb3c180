// What the tests of the exchange simulator share: the server as a child process, and TAP. Node 18 and later.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts sim_server and waits for its port. stop() ends it and fails when it did not end well. */
export async function startServer(program, args = []) {
    const child = spawn(program, args.map(String), { stdio: ["pipe", "pipe", "inherit"] });
    const exit = once(child, "exit");
    const line = await Promise.race([
        once(createInterface({ input: child.stdout }), "line").then(([text]) => text),
        exit.then(([code]) => { throw new Error(`sim_server ended with ${code}`); }),
    ]);
    const base = `http://127.0.0.1:${JSON.parse(line).port}`;
    const stop = async () => {
        child.stdin.end();
        const [code, signal] = await exit;
        if (code !== 0) throw new Error(`sim_server ended with ${code ?? signal}`);
    };
    return { base, stop };
}

/** The candles as the generator has them, with no venue in between. */
export function dump(program, seed, symbol, timeframe, fromMs, count) {
    const args = ["--seed", seed, "--dump", symbol, timeframe, fromMs, count].map(String);
    return JSON.parse(execFileSync(program, args, { maxBuffer: 1 << 28 }));
}

export function equal(got, want, what = "value") {
    const a = JSON.stringify(got), b = JSON.stringify(want);
    if (a !== b) throw new Error(`${what} is ${a?.slice(0, 300)}, not ${b?.slice(0, 300)}`);
}

export function ok(condition, what) {
    if (!condition) throw new Error(what);
}

/** Runs named async tests one by one and reports TAP; ends the process. */
export async function run(tests) {
    const names = Object.keys(tests);
    console.log(`1..${names.length}`);
    let failed = 0;
    for (const [i, name] of names.entries()) {
        try {
            const reason = await tests[name]();
            console.log(`ok ${i + 1} - ${name}${reason ? ` # SKIP ${reason}` : ""}`);
        } catch (e) {
            failed++;
            console.log(`not ok ${i + 1} - ${name}`);
            for (const line of String(e.stack ?? e).split("\n")) console.log(`# ${line}`);
        }
    }
    process.exit(failed ? 1 : 0);
}

/** What a test returns when it could not be done. */
export function skipped(reason) {
    return reason;
}

export function skipAll(reason) {
    console.log(`1..0 # SKIP ${reason}`);
    process.exit(0);
}

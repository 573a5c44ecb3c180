// npm eureka-js-client, a client nobody here wrote, unchanged against the registry (DIS-01, DIS-12): registers, is seen,
// renews, follows whole lists and deltas, comes back to a registry that was restarted, and leaves.
//     node eureka_js.mjs FINSIGHT SOURCE_ROOT
// It is fetched by tools/setup into .cache/peers/eureka; FINSIGHT_EUREKA_JS names another folder that has it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { equal, ok, run, skipAll } from "./sim.mjs";

const [program, source] = process.argv.slice(2);
const home = process.env.FINSIGHT_EUREKA_JS || join(source, ".cache/peers/eureka");
if (!existsSync(join(home, "node_modules/eureka-js-client")))
    skipAll("npm package eureka-js-client is not there (make peers fetches it)");
const require = createRequire(join(home, "index.js"));
let Eureka;
try {
    ({ Eureka } = require("eureka-js-client"));
} catch (e) {
    skipAll(`eureka-js-client does not load on Node ${process.version}: ${e.message.split("\n")[0]}`);
}

const root = mkdtempSync(join(tmpdir(), "finsight-eureka-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

async function freePort() {
    const s = createServer().listen(0, "127.0.0.1");
    await once(s, "listening");
    const { port } = s.address();
    s.close();
    await once(s, "close");
    return port;
}

/** The role `discovery` as its own process. */
async function registry(port) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith("FINSIGHT_")));
    const child = spawn(program, ["serve", "--roles", "discovery", "--data-dir", join(root, "data"), "--port", port, "--json"],
        { stdio: ["ignore", "pipe", "ignore"], env: { ...env, HOME: root } });
    const exit = once(child, "exit");
    const [line] = await Promise.race([
        once(createInterface({ input: child.stdout }), "line"),
        exit.then(([code]) => { throw new Error(`the registry ended with ${code}`); }),
    ]);
    ok(JSON.parse(line).url, line);
    return { kill: async (how) => { child.kill(how); await exit; } };
}

const quiet = { debug() {}, info() {}, warn() {}, error() {}, level() {} };

function client(port, app, more = {}, path = "/eureka/apps/") {
    const own = 9000 + app.length;
    return new Eureka({
        logger: quiet,
        ...more,
        instance: {
            app, instanceId: `127.0.0.1:${app}:${own}`, hostName: "127.0.0.1", ipAddr: "127.0.0.1", vipAddress: app,
            port: { $: own, "@enabled": "true" },
            dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
        },
        eureka: {
            host: "127.0.0.1", port, servicePath: path, heartbeatInterval: 150, registryFetchInterval: 100,
            requestRetryDelay: 50, maxRetries: 20,
        },
    });
}

const start = (c) => new Promise((done, fail) => c.start((e) => (e ? fail(e) : done())));
const stop = (c) => new Promise((done, fail) => c.stop((e) => (e ? fail(e) : done())));

async function until(what, condition) {
    const end = Date.now() + 60000;
    while (!(await condition())) {
        if (Date.now() > end) throw new Error(`${what} did not come true`);
        await new Promise((r) => setTimeout(r, 20));
    }
}

async function status(port) {
    return (await fetch(`http://127.0.0.1:${port}/eureka/status`)).json();
}

await run({
    async "registers, sees itself, renews and leaves"() {
        const port = await freePort(), server = await registry(port);
        for (const path of ["/eureka/apps/", "/eureka/v2/apps/"]) {
            const c = client(port, "quotes", {}, path);
            await start(c);
            await until("its own instance", () => c.getInstancesByAppId("QUOTES").length === 1);
            const [seen] = c.getInstancesByVipAddress("quotes");
            equal([seen.instanceId, seen.port.$, seen.status], ["127.0.0.1:quotes:9006", 9006, "UP"]);
            const before = (await status(port)).registry.renewed_total;
            await until("renewals", async () => (await status(port)).registry.renewed_total >= before + 3);
            await stop(c); // needs exactly 200
            equal((await status(port)).registry.instances, 0);
        }
        await server.kill("SIGTERM");
    },
    async "clients find each other, by whole lists and by deltas"() {
        const port = await freePort(), server = await registry(port);
        const a = client(port, "alpha"), b = client(port, "betabeta", { shouldUseDelta: true });
        await start(a);
        await start(b);
        const sees = (c, app) => { try { return c.getInstancesByAppId(app).length; } catch { return 0; } };
        await until("each other", () => sees(a, "BETABETA") === 1 && sees(b, "ALPHA") === 1);
        const path = `http://127.0.0.1:${port}/eureka/apps/ALPHA/127.0.0.1:alpha:9005/status?value=`;
        equal((await fetch(`${path}OUT_OF_SERVICE`, { method: "PUT" })).status, 200);
        // a client of whole lists hides what is not UP; one of deltas keeps it with its status
        const told = () => b.getInstancesByAppId("ALPHA")[0].status;
        await until("the override", () => sees(a, "ALPHA") === 0 && told() === "OUT_OF_SERVICE");
        equal((await fetch(`${path}UP`, { method: "DELETE" })).status, 200);
        await until("its return", () => sees(a, "ALPHA") === 1 && told() === "UP");
        await stop(a);
        await until("alpha to be gone", () => sees(b, "ALPHA") === 0);
        await stop(b);
        await server.kill("SIGTERM");
    },
    async "comes back to a registry that was restarted"() {
        const port = await freePort(), c = client(port, "phoenix");
        let server = await registry(port);
        await start(c);
        await server.kill("SIGKILL");
        server = await registry(port);
        await until("its registration", async () => (await status(port)).registry.instances === 1);
        await stop(c);
        await server.kill("SIGTERM");
    },
});

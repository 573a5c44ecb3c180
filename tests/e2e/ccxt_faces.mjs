// ccxt reads the simulator's Coinbase and Kraken faces unchanged: the same candles as Binance's, number by number.
//     node ccxt_faces.mjs SIM_SERVER SOURCE_ROOT
import { existsSync } from "node:fs";
import { Agent } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { dump, equal, ok, run, skipAll, startServer } from "./sim.mjs";

const [program, source] = process.argv.slice(2);
const home = process.env.FINSIGHT_CCXT || join(source, ".cache/peers/ccxt");
if (!existsSync(join(home, "node_modules/ccxt")))
    skipAll("npm package ccxt is not there (make peers fetches it)");
const require = createRequire(join(home, "index.js"));
let ccxt;
try {
    ccxt = require("ccxt");
    ccxt = ccxt.binance ? ccxt : ccxt.default;
} catch (e) {
    skipAll(`ccxt does not load on Node ${process.version}: ${e.message.split("\n")[0]}`);
}

const SEED = 99, NOW = Date.UTC(2024, 2, 1, 12, 30, 15, 500), HOUR = 3600000, MINUTE = 60000;
const agent = new Agent({ keepAlive: true });
const server = await startServer(program, ["--seed", SEED, "--now", NOW, "--symbol", "BTCUSD", "--symbol", "ETHUSDT"]);

function client(name) {
    const x = new ccxt[name]({ enableRateLimit: false, timeout: 10000, agent });
    const api = x.urls.api;
    x.urls.api = typeof api === "string" ? server.base
        : Object.fromEntries(Object.keys(api).map((key) => [key, server.base]));
    x.options.fetchCurrencies = false;
    return x;
}

async function rejected(call, kind) {
    try {
        await call();
    } catch (e) {
        ok(e instanceof kind, `${e.constructor.name} is not ${kind.name}: ${e.message}`);
        return;
    }
    throw new Error(`no ${kind.name} was thrown`);
}

await run({
    "coinbase: markets, the clock, errors": async () => {
        const x = client("coinbaseexchange");
        const markets = await x.loadMarkets();
        equal(Object.keys(markets).sort(), ["BTC/USD", "ETH/USDT"]);
        equal([markets["BTC/USD"].id, markets["BTC/USD"].active], ["BTC-USD", true]);
        ok(markets["ETH/USDT"].precision.price > 0, "a tick");
        equal(await x.fetchTime(), NOW);
        await rejected(() => x.publicGetProductsIdCandles({ id: "NOPE-USD" }), ccxt.ExchangeError);
        await rejected(() => x.publicGetProductsIdCandles({ id: "BTC-USD", granularity: 60, start: "2024-01-01T00:00:00Z",
            end: "2024-01-02T00:00:00Z" }), ccxt.ExchangeError);
    },
    "coinbase: candles are the generator's, page by page": async () => {
        const x = client("coinbaseexchange");
        await x.loadMarkets();
        for (const [symbol, id, tf, ms, n] of [["BTC/USD", "BTCUSD", "1m", MINUTE, 900],
            ["ETH/USDT", "ETHUSDT", "1h", HOUR, 700], ["BTC/USD", "BTCUSD", "1d", 24 * HOUR, 300]]) {
            const since = Math.floor((NOW - (n + 5) * ms) / ms) * ms, got = [];
            for (let at = since; at < since + n * ms; at += 300 * ms)
                got.push(...(await x.fetchOHLCV(symbol, tf, at, 300)).filter((row) => row[0] < since + n * ms));
            equal(got.length, n, `${id} ${tf} rows`);
            equal(got, dump(program, SEED, id, tf, since, n), `${id} ${tf}`);
        }
        ok((await x.fetchTicker("BTC/USD")).last > 0, "a price");
    },
    "kraken: markets under the venue's own names, the clock, errors": async () => {
        const x = client("kraken");
        const markets = await x.loadMarkets();
        ok(markets["BTC/USD"] && markets["ETH/USDT"], Object.keys(markets).join(" "));
        equal(markets["BTC/USD"].id, "XXBTZUSD");
        equal(await x.fetchTime(), Math.floor(NOW / 1000) * 1000);
        await rejected(() => x.publicGetOHLC({ pair: "NOPEUSD" }), ccxt.ExchangeError);
    },
    "kraken: the newest 720 candles and the running one": async () => {
        const x = client("kraken");
        await x.loadMarkets();
        for (const [symbol, id, tf, ms] of [["BTC/USD", "BTCUSD", "1m", MINUTE], ["ETH/USDT", "ETHUSDT", "1h", HOUR]]) {
            const rows = await x.fetchOHLCV(symbol, tf);
            const closed = rows.filter((row) => row[0] + ms <= NOW);
            ok(closed.length >= 719 && rows.length === closed.length + 1, `${rows.length} rows`);
            equal(closed, dump(program, SEED, id, tf, closed[0][0], closed.length), `${id} ${tf}`);
        }
    },
    "kraken: trades add up to the candles": async () => {
        const x = client("kraken");
        await x.loadMarkets();
        const since = Math.floor(NOW / MINUTE) * MINUTE - 2000 * MINUTE;
        const trades = await x.fetchTrades("BTC/USD", since, 1000);
        const whole = trades.filter((t) => t.timestamp < Math.floor(trades[trades.length - 1].timestamp / MINUTE) * MINUTE);
        const minutes = new Map();
        for (const t of whole) {
            const at = Math.floor(t.timestamp / MINUTE) * MINUTE, c = minutes.get(at);
            if (!c) minutes.set(at, [at, t.price, t.price, t.price, t.price]);
            else minutes.set(at, [at, c[1], Math.max(c[2], t.price), Math.min(c[3], t.price), t.price]);
        }
        const want = dump(program, SEED, "BTCUSD", "1m", since, minutes.size).map((row) => row.slice(0, 5));
        equal([...minutes.values()], want);
        ok(minutes.size > 200, `${minutes.size} minutes`);
    },
    "the server ends when it is told": async () => {
        await server.stop();
    },
});

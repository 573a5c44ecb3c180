// ccxt, a client nobody here wrote, reads the exchange simulator unchanged. Its binance class is pointed at loopback
// and nothing else: markets, candles page by page, tickers, the server's time, errors and limits.
//     node ccxt_read.mjs SIM_SERVER SOURCE_ROOT
// ccxt is fetched by tools/setup into .cache/peers/ccxt; FINSIGHT_CCXT names another folder that has it.
import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { dump, equal, ok, run, skipAll, skipped, startServer } from "./sim.mjs";

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

const SEED = 99, NOW = Date.UTC(2024, 2, 1, 12, 30, 15, 500);
const HOUR = 3600000, MINUTE = 60000;
const agent = new Agent({ keepAlive: true }); // ccxt before 4.5 has one for https only
const server = await startServer(program, ["--seed", SEED, "--now", NOW]);

function client(base = server.base) {
    const x = new ccxt.binance({ enableRateLimit: false, timeout: 10000, agent });
    x.options.fetchMarkets = { types: ["spot"] };
    x.options.fetchCurrencies = false;
    x.urls.api.public = `${base}/api/v3`;
    return x;
}

/** Every candle of [since, until), asked for as people do: page after page from the last one on. */
async function pages(x, symbol, timeframe, since, until, limit) {
    const all = [];
    for (let at = since; at < until;) {
        const page = await x.fetchOHLCV(symbol, timeframe, at, limit);
        if (page.length === 0) break;
        all.push(...page.filter((row) => row[0] < until));
        at = page[page.length - 1][0] + 1;
    }
    return all;
}

async function rejected(call, kind) {
    try {
        await call();
    } catch (e) {
        ok(e instanceof kind, `${e.constructor.name} is not ${kind.name}: ${e.message}`);
        return e;
    }
    throw new Error(`no ${kind.name} was thrown`);
}

await run({
    "the server's time is the venue's": async () => {
        equal(await client().fetchTime(), NOW);
    },
    "markets come with their precision and limits": async () => {
        const markets = await client().loadMarkets();
        equal(Object.keys(markets).length, 12);
        const btc = markets["BTC/USDT"];
        equal([btc.id, btc.base, btc.quote, btc.active, btc.spot], ["BTCUSDT", "BTC", "USDT", true, true]);
        equal([btc.precision.price, btc.precision.amount], [0.01, 0.00001]);
        equal([btc.limits.cost.min, btc.limits.amount.min], [5, 0.00001]);
        equal(markets["SHIB/USDT"].precision.price, 1e-8);
        ok(markets["ETH/BTC"].active, "ETH/BTC is listed");
    },
    "candles are the generator's, number by number, over many pages": async () => {
        const x = client();
        for (const [symbol, id, tf, ms, n, limit] of [
            ["BTC/USDT", "BTCUSDT", "1m", MINUTE, 2500, 1000],
            ["XRP/USDT", "XRPUSDT", "1h", HOUR, 1200, 500],
            ["SHIB/USDT", "SHIBUSDT", "5m", 5 * MINUTE, 700, 300],
            ["ETH/BTC", "ETHBTC", "1d", 24 * HOUR, 400, 1000],
        ]) {
            const since = Math.floor((NOW - (n + 5) * ms) / ms) * ms;
            const got = await pages(x, symbol, tf, since, since + n * ms, limit);
            equal(got.length, n, `${id} ${tf} rows`);
            equal(got, dump(program, SEED, id, tf, since, n), `${id} ${tf}`);
        }
    },
    "months and weeks begin where the calendar says": async () => {
        const x = client();
        const since = Date.UTC(2023, 0, 1);
        const months = await x.fetchOHLCV("BTC/USDT", "1M", since, 12);
        equal(months.map((row) => row[0]), Array.from({ length: 12 }, (_, i) => Date.UTC(2023, i, 1)));
        equal(months, dump(program, SEED, "BTCUSDT", "1M", since, 12));
        const weeks = await x.fetchOHLCV("BTC/USDT", "1w", since, 10);
        ok(weeks.every((row) => new Date(row[0]).getUTCDay() === 1), "weeks open on Monday");
    },
    "without a start come the newest, the last one still open": async () => {
        const rows = await client().fetchOHLCV("BTC/USDT", "1h");
        equal(rows.length, 500);
        equal(rows[499][0], Math.floor(NOW / HOUR) * HOUR);
        const whole = dump(program, SEED, "BTCUSDT", "1h", rows[499][0], 1)[0];
        equal(rows[499][1], whole[1], "its open");
        ok(rows[499][5] < whole[5], "its volume still grows");
    },
    "history begins at the listing": async () => {
        const rows = await client().fetchOHLCV("BTC/USDT", "1m", 0, 1);
        equal(rows[0][0], Date.UTC(2017, 7, 17, 4));
    },
    "recorded candles come back number by number, gap and all": async () => {
        const shared = process.env.FINSIGHT_SHARED || join(source, "../shared");
        const path = join(shared, "data/ohlcv/btcusdt_h1.csv");
        if (!existsSync(path)) return skipped("the shared test data are not there");
        const since = Date.UTC(2023, 2, 10), n = 900;
        const recorded = await startServer(program, ["--now", Date.UTC(2023, 6, 1), "--file", `BTCUSDT=${path}`]);
        const want = readFileSync(path, "utf8").trim().split("\n").slice(1).map((line) => line.split(","))
            .map(([time, ...numbers]) => [Date.parse(`${time}Z`), ...numbers.map(Number)])
            .filter(([time]) => time >= since).slice(0, n);
        const x = client(recorded.base);
        equal(Object.keys(await x.loadMarkets()), ["BTC/USDT"]);
        const got = await pages(x, "BTC/USDT", "1h", since, want[n - 1][0] + 1, 400);
        await recorded.stop();
        equal(got, want);
        /* the venue's outage of 2023-03-24: 12:00 is flat, 13:00 is not there */
        const open = Date.UTC(2023, 2, 24, 12), at = got.findIndex((row) => row[0] === open);
        equal([got[at][5], got[at + 1][0] - open], [0, 2 * HOUR]);
    },
    "tickers agree with the candles": async () => {
        const x = client();
        const one = await x.fetchTicker("BTC/USDT");
        const last = (await x.fetchOHLCV("BTC/USDT", "1m", undefined, 1))[0];
        equal(one.last, last[4]);
        ok(one.low <= one.last && one.last <= one.high && one.bid < one.ask, "in order");
        ok(Math.abs(one.percentage - (100 * (one.close - one.open)) / one.open) < 0.001, "percentage");
        equal(one.timestamp, NOW);
        const many = await x.fetchTickers(["BTC/USDT", "ETH/USDT"]);
        equal(Object.keys(many).sort(), ["BTC/USDT", "ETH/USDT"]);
        equal(many["BTC/USDT"].last, one.last);
        equal(Object.keys(await x.fetchTickers()).length, 12);
        const prices = await x.fetchLastPrices();
        equal(prices["BTC/USDT"].price, one.last);
    },
    "errors are the ones ccxt knows": async () => {
        const x = client();
        await x.loadMarkets();
        await rejected(() => x.publicGetKlines({ symbol: "NOPEUSDT", interval: "1m" }), ccxt.BadSymbol);
        await rejected(() => x.publicGetKlines({ symbol: "BTCUSDT", interval: "7m" }), ccxt.BadRequest);
        await rejected(() => x.publicGetKlines({ symbol: "BTCUSDT" }), ccxt.BadRequest);
    },
    "limits and bans are the ones ccxt knows": async () => {
        const small = await startServer(program, ["--seed", SEED, "--now", NOW, "--limit", 30]);
        const x = client(small.base);
        await x.publicGetExchangeInfo();
        await x.publicGetTime();
        let seen = 0;
        for (let i = 0; i < 20 && seen === 0; i++)
            await x.publicGetTime().catch((e) => { seen = e instanceof ccxt.DDoSProtection ? 429 : NaN; });
        equal(seen, 429);
        const text = [];
        for (let i = 0; i < 15; i++) await x.publicGetTime().catch((e) => text.push(e.message));
        ok(text[14].includes("418") && text[14].includes("IP banned until"), text[14]);
        await small.stop();
    },
    "the server ends when it is told": async () => {
        await server.stop();
    },
});

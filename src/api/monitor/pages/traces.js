/* The list of requests and the waterfall of one trace, from /api/v1/admin/traces. Text goes in as text only. */
"use strict";

const at = (id) => document.getElementById(id);
const key = at("key");

function cell(row, text, classes) {
  const td = row.insertCell();
  td.textContent = text;
  if (classes) td.className = classes;
  return td;
}

function ms(v) {
  return v >= 1000 ? (v / 1000).toFixed(2) + " s" : v >= 10 ? v.toFixed(1) + " ms" : v.toFixed(3) + " ms";
}

function say(text, bad) {
  at("say").textContent = text;
  at("say").className = bad ? "bad" : "";
}

async function ask(path) {
  const headers = key.value ? { "X-API-Key": key.value } : {};
  const answer = await fetch(path, { headers });
  const body = await answer.json();
  if (answer.ok) return body;
  throw new Error(answer.status === 401 ? "Reading traces needs the admin key (admin.key in the data folder)." : body.error.message);
}

function drawList(list) {
  const body = at("traces").tBodies[0];
  body.replaceChildren();
  for (const t of list.traces) {
    const row = body.insertRow();
    row.dataset.trace = t.trace_id;
    cell(row, t.started.replace("T", " ").replace("Z", ""));
    const link = document.createElement("a");
    link.href = "#" + t.trace_id;
    link.textContent = t.method + " " + t.path;
    cell(row, "").append(link);
    cell(row, t.operation);
    cell(row, t.aborted ? "left" : t.status, t.failed ? "number bad" : "number");
    cell(row, ms(t.duration_ms), "number");
    cell(row, t.spans + (t.dropped || 0), "number");
  }
  mark();
  say(list.count === 0 ? "No request fits." : `${list.count} of ${list.seen} requests since the start.`);
}

function mark() {
  for (const row of at("traces").tBodies[0].rows)
    row.classList.toggle("open", "#" + row.dataset.trace === location.hash);
}

/* Parents before their children, children by their beginning; what has no parent here is a root. */
function ordered(spans) {
  const ids = new Set(spans.map((s) => s.span_id));
  const below = new Map();
  for (const s of spans) {
    const parent = ids.has(s.parent_id) && s.parent_id !== s.span_id ? s.parent_id : "";
    if (!below.has(parent)) below.set(parent, []);
    below.get(parent).push(s);
  }
  const out = [];
  const seen = new Set();
  const walk = (id, depth) => {
    for (const s of (below.get(id) || []).sort((a, b) => a.start_ms - b.start_ms)) {
      if (seen.has(s)) continue;
      seen.add(s);
      out.push([s, depth]);
      walk(s.span_id, depth + 1);
    }
  };
  walk("", 0);
  return out;
}

function drawTrace(trace) {
  const first = trace.requests[0];
  const whole = Math.max(trace.duration_ms, 0.001);
  at("title").textContent = first.method + " " + first.path;
  at("facts").textContent =
    `${trace.trace_id} · ${first.operation} · status ${first.status} · ${ms(trace.duration_ms)} · ` +
    `${trace.requests.length} request${trace.requests.length > 1 ? "s" : ""}, ${trace.spans.length} spans`;
  const body = at("spans").tBodies[0];
  body.replaceChildren();
  for (const [s, depth] of ordered(trace.spans)) {
    const row = body.insertRow();
    const name = cell(row, s.name, s.failed ? "bad" : "");
    name.style.paddingLeft = depth * 1.1 + "rem";
    if (s.note) {
      const note = document.createElement("span");
      note.className = "note";
      note.textContent = s.note;
      name.append(note);
    }
    cell(row, ms(s.start_ms), "number");
    cell(row, ms(s.duration_ms), "number");
    const track = document.createElement("div");
    const bar = document.createElement("div");
    track.className = "track";
    bar.className = `bar ${s.kind}${s.failed ? " failed" : ""}`;
    bar.style.left = (100 * Math.max(s.start_ms, 0)) / whole + "%";
    bar.style.width = (100 * s.duration_ms) / whole + "%";
    track.append(bar);
    cell(row, "", "time").append(track);
  }
  at("detail").hidden = false;
  at("title").focus();
}

async function showList() {
  const q = new URLSearchParams({ limit: "200" });
  if (at("operation").value) q.set("operation", at("operation").value.trim());
  if (at("status").value) {
    const [from, to] = at("status").value.split("-");
    q.set("status_from", from);
    q.set("status_to", to);
  }
  if (at("min").value) q.set("min_ms", at("min").value);
  if (at("failed").checked) q.set("failed", "true");
  try {
    drawList(await ask("/api/v1/admin/traces?" + q));
  } catch (e) {
    say(e.message, true);
  }
}

async function showTrace() {
  const id = location.hash.slice(1);
  mark();
  if (!/^[0-9a-f]{32}$/.test(id)) {
    at("detail").hidden = true;
    return;
  }
  try {
    drawTrace(await ask("/api/v1/admin/traces/" + id));
  } catch (e) {
    at("detail").hidden = true;
    say(e.message, true);
  }
}

key.value = sessionStorage.getItem("finsight-key") || "";
at("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("finsight-key", key.value);
  showList();
});
addEventListener("hashchange", showTrace);
showList().then(showTrace);

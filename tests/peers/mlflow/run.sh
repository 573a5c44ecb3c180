#!/bin/sh
# run.sh BUILD - MLflow's own Python client (PyPI) against our registry: experiments, runs, files, models (PRD-07).
# 0: all as it should be; 77: skipped, with the reason.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: run.sh BUILD}
finsight=$build/src/app/finsight
[ -x "$finsight" ] || { echo "skipped: build $finsight first"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: needs python3"; exit 77; }
cache=$here/../../../.cache/peers
venv=$cache/mlflow
mkdir -p "$cache"
if ! "$venv/bin/python" -c 'import mlflow' 2>/dev/null; then
    { python3 -m venv "$venv" && timeout 300 "$venv/bin/pip" install -q 'mlflow-skinny>=2.9,<4'; } >"$cache/mlflow.log" 2>&1 ||
        { echo "skipped: mlflow-skinny cannot be installed:"; tail -2 "$cache/mlflow.log"; exit 77; }
fi
exec "$venv/bin/python" -B -W ignore "$here/client.py" "$finsight"

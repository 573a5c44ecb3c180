#!/bin/bash
# run.sh BUILD_DIR - the model registry contract of BUILD_DIR's MLflow adapter on a real MLflow server (PyPI), whose files go
# through it, and on one that sends its clients to S3 (moto's). 0: passed; 77: it is not here.
set -u
build=$(cd "${1:-build}" && pwd) || exit 1
. "$(dirname "$0")/../lib.sh"
python=$peers/python/bin
program=$build/tests/contract/test_model_registry_mlflow
failed=0
[ -x "$python/mlflow" ] || { echo "skipped: no MLflow: run tools/setup peers"; exit 77; }
export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
version=$("$python/python" -c 'import mlflow.version; print(mlflow.version.VERSION)')
read -r a b c < <(free_ports 3)

start mlflow "$python/mlflow" server --backend-store-uri "sqlite:///$work/a.db" --artifacts-destination "$work/files" \
    --host 127.0.0.1 --port "$a" --workers 1
await mlflow "http://127.0.0.1:$a/health" && FINSIGHT_TEST_MLFLOW=http://127.0.0.1:$a \
    contract "MLflow adapter on MLflow $version" "$program" || failed=1

start moto "$python/moto_server" -H 127.0.0.1 -p "$b"
await moto "http://127.0.0.1:$b/" || exit 1
"$python/python" - "http://127.0.0.1:$b" <<'END' || failed=1
import sys
import boto3
boto3.client("s3", endpoint_url=sys.argv[1], aws_access_key_id="AKPEER", aws_secret_access_key="secret-of-the-peer",
             region_name="us-east-1").create_bucket(Bucket="mlflow")
END
start mlflow-s3 "$python/mlflow" server --backend-store-uri "sqlite:///$work/b.db" --no-serve-artifacts \
    --default-artifact-root s3://mlflow/runs --host 127.0.0.1 --port "$c" --workers 1
await mlflow-s3 "http://127.0.0.1:$c/health" && FINSIGHT_TEST_MLFLOW=http://127.0.0.1:$c \
    FINSIGHT_TEST_MLFLOW_S3="http://127.0.0.1:$b mlflow AKPEER secret-of-the-peer s3://mlflow/runs" \
    contract "MLflow adapter on MLflow $version, files in S3" "$program" || failed=1
exit $failed

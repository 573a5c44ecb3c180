#!/bin/bash
# run.sh BUILD_DIR - the object store contract of BUILD_DIR's S3 adapter on servers of others: moto (PyPI), and, where Go
# is, MinIO. 0: all that are here passed; 77: none is here.
set -u
build=$(cd "${1:-build}" && pwd) || exit 1
. "$(dirname "$0")/../lib.sh"
program=$build/tests/contract/test_object_store_s3
found=
failed=0

bucket() { # URL ACCESS SECRET : made with boto3
    "$peers/python/bin/python" - "$@" <<'END'
import sys
import boto3
url, access, secret = sys.argv[1:]
boto3.client("s3", endpoint_url=url, aws_access_key_id=access, aws_secret_access_key=secret,
             region_name="us-east-1").create_bucket(Bucket="models")
END
}

try() { # NAME URL ACCESS SECRET
    found=1
    await "$1" "$2/" && bucket "$2" "$3" "$4" &&
        FINSIGHT_TEST_S3="$2 models $3 $4" contract "S3 adapter on $1" "$program" || failed=1
}

[ -x "$peers/python/bin/python" ] || { echo "skipped: no Python peers: run tools/setup peers"; exit 77; }
read -r a b < <(free_ports 2)
if [ -x "$peers/python/bin/moto_server" ]; then
    start moto "$peers/python/bin/moto_server" -H 127.0.0.1 -p "$a"
    try moto "http://127.0.0.1:$a" AKPEER secret-of-the-peer
fi
if [ -x "$peers/go/minio" ]; then
    mkdir "$work/minio"
    start minio env MINIO_ROOT_USER=AKPEER MINIO_ROOT_PASSWORD=secret-of-the-peer MINIO_UPDATE=off MINIO_BROWSER=off \
        "$peers/go/minio" server --quiet --address "127.0.0.1:$b" "$work/minio"
    export FINSIGHT_TEST_S3_HIDES=1 # "a/b" beside "a" is kept and read, and missing in lists
    try minio "http://127.0.0.1:$b" AKPEER secret-of-the-peer
fi
[ -n "$found" ] || { echo "skipped: no S3 server of others is here"; exit 77; }
exit $failed

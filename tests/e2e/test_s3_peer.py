#!/usr/bin/env python3
"""The S3 simulator is used by a client that nobody here wrote, boto3 (STO-15): its signatures are found right, wrong ones get
the error that S3 gives, and what it stores, lists and reads comes back.

usage: test_s3_peer.py FINSIGHT"""
import datetime
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

if importlib.util.find_spec("boto3") is None and os.path.exists("/usr/bin/python3") and "PEER_AGAIN" not in os.environ:
    os.environ["PEER_AGAIN"] = "1"  # Debian's packages are those of Debian's Python
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
if importlib.util.find_spec("boto3") is None:
    print("1..0 # SKIP python3-boto3 is not installed")
    sys.exit(0)
import boto3  # noqa: E402
import botocore.auth  # noqa: E402
from boto3.s3.transfer import TransferConfig  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

KEYS = ["Z", "a", "a b", "a+b", "a/b", "a/b/c", "a/c", "b/%41", "é", "ü/&<>'\"", "x=1?y#z", "tab~*()!$@:,;"]


def client(url, access="SIMULATED", secret="simulated-secret", region="us-east-1", style="path", **more):
    return boto3.client("s3", endpoint_url=url, aws_access_key_id=access, aws_secret_access_key=secret, region_name=region,
                        config=Config(signature_version="s3v4", s3={"addressing_style": style, "payload_signing_enabled": True},
                                      retries={"max_attempts": 1, "mode": "standard"}, connect_timeout=60, read_timeout=60,
                                      proxies={}), **more)


def code(call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return "fine"


def objects(s3):
    for k in KEYS:
        s3.put_object(Bucket="finsight", Key=k, Body=k.encode(), Metadata={"of": "boto3"}, ContentType="text/plain")
    for k in KEYS:
        got = s3.get_object(Bucket="finsight", Key=k)
        assert got["Body"].read() == k.encode() and got["Metadata"] == {"of": "boto3"}, k
        assert got["ContentType"] == "text/plain" and got["ETag"] == s3.head_object(Bucket="finsight", Key=k)["ETag"], k
    assert s3.get_object(Bucket="finsight", Key="b/%41", Range="bytes=1-2")["Body"].read() == b"/%"
    assert s3.get_object(Bucket="finsight", Key="b/%41", Range="bytes=-2")["Body"].read() == b"41"
    assert code(s3.get_object, Bucket="finsight", Key="a", Range="bytes=9-") == "InvalidRange"
    assert code(s3.get_object, Bucket="finsight", Key="nothing") == "NoSuchKey"
    assert code(s3.get_object, Bucket="other-bucket", Key="a") == "NoSuchBucket"


def lists(s3):
    want = sorted(KEYS, key=lambda k: k.encode())
    for size in (1, 2, 5, 1000):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="finsight", PaginationConfig={"PageSize": size})
        got = [o["Key"] for page in pages for o in page.get("Contents", [])]
        assert got == want, (size, got)
    page = s3.list_objects_v2(Bucket="finsight", Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a/", "b/", "ü/"], page["CommonPrefixes"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="finsight", Prefix="a/", StartAfter="a/b")["Contents"]] == ["a/b/c", "a/c"]


def parts(s3):
    bytes_ = os.urandom(1 << 20) * 12
    s3.upload_fileobj(io.BytesIO(bytes_), "finsight", "large", Config=TransferConfig(
        multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2))
    back = io.BytesIO()
    s3.download_fileobj("finsight", "large", back, Config=TransferConfig(multipart_threshold=5 << 20, max_concurrency=3))
    assert back.getvalue() == bytes_
    assert s3.head_object(Bucket="finsight", Key="large")["ETag"].endswith('-3"')
    up = s3.create_multipart_upload(Bucket="finsight", Key="small-parts")["UploadId"]
    tags = [s3.upload_part(Bucket="finsight", Key="small-parts", UploadId=up, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2)]
    ends = [{"PartNumber": n + 1, "ETag": t} for n, t in enumerate(tags)]
    end = dict(Bucket="finsight", Key="small-parts", UploadId=up)
    assert code(s3.complete_multipart_upload, **end, MultipartUpload={"Parts": ends}) == "EntityTooSmall"
    assert code(s3.complete_multipart_upload, **end, MultipartUpload={"Parts": ends[::-1]}) == "InvalidPartOrder"
    wrong = [{"PartNumber": 1, "ETag": '"0"'}]
    assert code(s3.complete_multipart_upload, **end, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    assert len(s3.list_parts(**end)["Parts"]) == 2 and len(s3.list_multipart_uploads(Bucket="finsight")["Uploads"]) == 1
    s3.abort_multipart_upload(**end)
    assert code(s3.abort_multipart_upload, **end) == "NoSuchUpload"


def conditions(s3):
    def with_header(name, value):
        def add(request, **_):
            request.headers[name] = value
        return add

    def put(name, value, key, body):
        add = with_header(name, value)  # this boto3 may be older than conditional puts
        s3.meta.events.register_first("before-sign.s3.PutObject", add)
        try:
            return code(s3.put_object, Bucket="finsight", Key=key, Body=body)
        finally:
            s3.meta.events.unregister("before-sign.s3.PutObject", add)

    assert put("If-None-Match", "*", "once", b"1") == "fine" and put("If-None-Match", "*", "once", b"2") == "PreconditionFailed"
    tag = s3.head_object(Bucket="finsight", Key="once")["ETag"]
    assert put("If-Match", tag, "once", b"3") == "fine" and put("If-Match", tag, "once", b"4") == "PreconditionFailed"
    assert put("If-Match", tag, "never", b"5") == "NoSuchKey"
    assert s3.get_object(Bucket="finsight", Key="once")["Body"].read() == b"3"
    assert code(s3.get_object, Bucket="finsight", Key="once", IfMatch='"no"') == "PreconditionFailed"


def buckets(s3):
    s3.create_bucket(Bucket="second")
    assert {b["Name"] for b in s3.list_buckets()["Buckets"]} == {"finsight", "second"}
    s3.put_object(Bucket="second", Key="k", Body=b"")
    assert code(s3.delete_bucket, Bucket="second") == "BucketNotEmpty"
    assert len(s3.delete_objects(Bucket="second", Delete={"Objects": [{"Key": "k"}, {"Key": "l"}]})["Deleted"]) == 2
    s3.delete_bucket(Bucket="second")
    assert code(s3.head_bucket, Bucket="second") == "404"
    s3.delete_object(Bucket="finsight", Key="never-was")


def signatures(s3, url):
    ask = dict(Bucket="finsight", Key="a")
    assert code(client(url, secret="other").get_object, **ask) == "SignatureDoesNotMatch"
    assert code(client(url, access="other").get_object, **ask) == "InvalidAccessKeyId"
    assert code(client(url, region="eu-west-1").list_objects_v2, Bucket="finsight") in (
        "AuthorizationHeaderMalformed", "fine")  # boto3 goes where it is told the bucket is
    assert code(client(url, aws_session_token="t").get_object, **ask) == "InvalidToken"

    def late(*_, **__):
        return datetime.datetime.utcnow() - datetime.timedelta(minutes=20)

    class Late(datetime.datetime):
        utcnow = staticmethod(late)

    class Module:  # botocore's clock, in the way of its version
        datetime, timedelta, timezone = Late, datetime.timedelta, datetime.timezone

    name = "get_current_datetime" if hasattr(botocore.auth, "get_current_datetime") else "datetime"
    real = getattr(botocore.auth, name)
    setattr(botocore.auth, name, late if name != "datetime" else Late if isinstance(real, type) else Module)
    try:
        assert code(client(url).get_object, **ask) == "RequestTimeTooSkewed"
    finally:
        setattr(botocore.auth, name, real)

    def tamper(name, change):
        def hook(request, **_):
            change(request)
        s = client(url)
        s.meta.events.register("before-send.s3." + name, hook)
        return s

    def body(request):
        request.body = b"evil"
        request.headers["Content-Length"] = "4"
    assert code(tamper("PutObject", body).put_object, Bucket="finsight", Key="t", Body=b"good") == "XAmzContentSHA256Mismatch"

    def meta(request):
        request.headers["x-amz-meta-role"] = "admin"
    assert code(tamper("PutObject", meta).put_object, Bucket="finsight", Key="t", Body=b"good") == "AccessDenied"

    def key(request):
        request.url = request.url.replace("/t", "/u")
    assert code(tamper("PutObject", key).put_object, Bucket="finsight", Key="t", Body=b"good") == "SignatureDoesNotMatch"
    assert code(s3.head_object, Bucket="finsight", Key="t") == "404" and code(s3.head_object, Bucket="finsight", Key="u") == "404"


def platform(s3, url, finsight):
    """Datasets of a platform whose objects are in the bucket (FLW-05, STO-15); the secret is nowhere to be read."""
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, FINSIGHT_OBJECTS_STORE="s3", FINSIGHT_OBJECTS_S3_ENDPOINT=url, FINSIGHT_DATA_DIR=folder + "/data",
                   FINSIGHT_OBJECTS_S3_ACCESS_KEY="SIMULATED", FINSIGHT_OBJECTS_S3_SECRET_KEY="simulated-secret",
                   FINSIGHT_OBJECTS_S3_PREFIX="platform/")

        def run(*words, **more):
            done = subprocess.run([finsight, *words], env=dict(env, **more), capture_output=True, text=True, cwd=folder)
            assert "simulated-secret" not in done.stdout + done.stderr, words
            return done

        rows = [f"2024-01-01T{h:02}:00:00Z,1.5,2,1,{1 + h / 100},10" for h in range(24)]
        pathlib.Path(folder, "p.csv").write_text("\n".join(["time,open,high,low,close,volume", *rows]) + "\n")
        assert run("import", "p.csv", "--symbol", "AAA").returncode == 0
        up = run("upload", "AAA", "1h", "--exchange", "file")
        assert up.returncode == 0, up.stderr
        said = json.loads(run("datasets", "--json").stdout.splitlines()[0])
        key = "platform/datasets/" + said["object"]
        head = s3.head_object(Bucket="finsight", Key=key)
        assert head["ContentLength"] == said["size"] and head["ETag"].strip('"') == said["etag"]
        body = s3.get_object(Bucket="finsight", Key=key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == head["Metadata"]["finsight-sha256"] == said["sha256"]
        down = run("download", said["dataset"], "back")
        assert down.returncode == 0 and pathlib.Path(folder, "back").read_bytes() == body, down.stderr
        kept = pathlib.Path(folder, "data", "object-cache", said["sha256"])
        assert kept.read_bytes() == body
        s3.put_object(Bucket="finsight", Key=key, Body=body[:-1] + b"?", Metadata=head["Metadata"])
        kept.unlink()
        bad = run("download", said["dataset"], "evil")
        assert bad.returncode != 0 and not pathlib.Path(folder, "evil").exists(), bad.stdout
        wrong = run("datasets", FINSIGHT_OBJECTS_S3_REGION="eu-west-1")
        assert wrong.returncode == 9 and "the region is us-east-1" in wrong.stderr, (wrong.returncode, wrong.stderr)
        assert "simulated-secret" not in run("config").stdout


def main(finsight):
    finsight = os.path.abspath(finsight)
    server = subprocess.Popen([finsight, "s3-sim", "--port", "0", "--json"], stdout=subprocess.PIPE)
    failed = 0
    try:
        url = json.loads(server.stdout.readline())["url"]
        s3 = client(url)
        cases = [objects, lists, parts, conditions, buckets, lambda s: signatures(s, url),
                 lambda s: platform(s, url, finsight)]
        names = ["objects", "lists in pages", "uploads in parts", "conditional puts", "buckets",
                 "wrong signatures get the right errors", "a platform's datasets"]
        print(f"1..{len(cases)}")
        for n, (case, name) in enumerate(zip(cases, names), 1):
            try:
                case(s3)
                print(f"ok {n} - {name} (boto3 {boto3.__version__})")
            except Exception as e:  # noqa: BLE001: a test reports everything
                failed += 1
                print(f"not ok {n} - {name}\n# {type(e).__name__}: {e} lines {[f.lineno for f in traceback.extract_tb(e.__traceback__)]}")
    finally:
        server.terminate()
        server.wait(timeout=60)
    sys.exit(failed > 0)


main(sys.argv[1])

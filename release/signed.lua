-- Heads as S3 clients write them. The signature is nobody's: file servers don't look at it.
wrk.headers["User-Agent"] = "aws-sdk-java/2.25.11 Linux/6.1 OpenJDK_64-Bit_Server_VM/17.0.10"
wrk.headers["Accept-Encoding"] = "gzip, deflate"
wrk.headers["amz-sdk-invocation-id"] = "f2b8f6b5-6d7b-4a9e-8f0a-0c7a2ad3d0b1"
wrk.headers["amz-sdk-request"] = "attempt=1; max=4"
wrk.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
wrk.headers["X-Amz-Date"] = "20260122T120000Z"
wrk.headers["Authorization"] = "AWS4-HMAC-SHA256 "
  .. "Credential=AKIAIOSFODNN7EXAMPLE/20260122/us-east-1/s3/aws4_request, "
  .. "SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date, "
  .. "Signature=" .. string.rep("0123456789abcdef", 4)

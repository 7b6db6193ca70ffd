"""The clients, one file each; `ALL` is the order of the summary."""

from clients import aws, boto, curl, minio_client, raw, rclone, s3cmd

ALL = [module.CLIENT for module in (boto, aws, minio_client, rclone, s3cmd, curl, raw)]

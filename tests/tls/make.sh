#!/bin/sh
# Makes the keys and certificates of this directory anew: `sh tests/tls/make.sh`, OpenSSL 3.
# They protect nothing. The password of those that have one is `open sesame`.
set -eu
cd "$(dirname "$0")"
password=pass:'open sesame'
days=36500

openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pkcs8.pem
openssl genpkey -algorithm ED25519 -out ed25519.pkcs8.pem
for curve in 256 384 521; do
    openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-$curve" -out "p$curve.pkcs8.pem"
    openssl ec -in "p$curve.pkcs8.pem" -out "p$curve.sec1.pem" 2>/dev/null
done
for name in rsa p256 p384 p521 ed25519; do
    openssl req -x509 -new -key "$name.pkcs8.pem" -days "$days" -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name.example,IP:10.0.0.1,IP:2001:db8::1" -out "$name.cert.pem"
done

# A block of parameters before the key, as `openssl ecparam -genkey` writes it.
{ openssl ecparam -name prime256v1; cat p256.sec1.pem; } > p256.parameters.pem

openssl pkey -in rsa.pkcs8.pem -traditional -out rsa.pkcs1.pem
for cipher in aes128 aes192 aes256 des3 camellia256; do
    openssl rsa -in rsa.pkcs8.pem -traditional "-$cipher" -passout "$password" \
        -out "rsa.pkcs1.$cipher.pem" 2>/dev/null
done
openssl ec -in p256.pkcs8.pem -aes256 -passout "$password" -out p256.sec1.aes256.pem 2>/dev/null

encrypt() { openssl pkcs8 -topk8 -passout "$password" "$@"; }
for cipher in aes-128-cbc aes-192-cbc aes-256-cbc des3; do
    encrypt -in rsa.pkcs8.pem -v2 "$cipher" -out "rsa.pbes2.$cipher.pem"
done
# What OpenSSL before 1.1 wrote.
encrypt -in rsa.pkcs8.pem -v2 aes-256-cbc -v2prf hmacWithSHA1 -out rsa.pbes2.sha1.pem
encrypt -in rsa.pkcs8.pem -v1 PBE-SHA1-3DES -out rsa.pbes1.pem
encrypt -in p256.pkcs8.pem -scrypt -scrypt_N 1024 -out p256.scrypt.pem
encrypt -in ed25519.pkcs8.pem -v2 aes-256-cbc -out ed25519.pbes2.pem
